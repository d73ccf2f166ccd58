import { side } from './surface.ts';

/** Two height fields over one silhouette, on size² nodes at the centres of the canvas's pixels. */
export type Sheets = {
  size: number;
  /** Inside where >= 0.5; the contour runs between the nodes. */
  alpha: Float32Array;
  /** Height of the inflated body; zero at the contour. */
  inflation: Float32Array;
  /** The inflation's mean over the surroundings: how thick the body is of which a node is part. */
  bulk: Float32Array;
  /** What is added to the inflation in front, and to its reverse behind; smooth, and known a node beyond the contour. */
  front: Float32Array;
  back: Float32Array;
  /** Distance of the pinhole camera from the canvas in canvas units; null when the rays are parallel. */
  cameraDistance: number | null;
};

/** The joined sheets: positions in canvas units, with a side for each vertex. */
export type Joined = { positions: Float32Array; indices: Uint32Array; sides: Uint8Array };

/** Least share of the inflation that stays between the middle and a sheet, so that sheets never cross. */
const thicknessShareMin = 0.25;
/** Least half thickness at a node, in canvas units. */
const halfThicknessMin = 0.003;
/** Sheets that meet the rim closer than this are drawn together there: no wall, in canvas units. */
const wallMin = 0.05;
/** The contour keeps this share of an edge away from its nodes, so that no face is a needle. */
const edgeShareMin = 0.06;

/**
 * Joins front and back into one closed surface: marching squares with the contour at alpha 0.5, the same triangles for
 * both sheets, and a wall where they do not meet at the rim. Every triangle has a node inside, which is thick, so no
 * face is doubled; each rim vertex lies on its own grid edge, so no two contours touch. As both sheets move along the
 * camera's rays and front stays before back on each ray, the surface cannot cut itself. O(nodes).
 */
export function joinSheets(sheets: Sheets): Joined {
  const grid = rimAndNodes(sheets);
  const { front, back, count } = grid;
  const positions = new Float32Array(count * 4 * 3);
  const sides = new Uint8Array(count * 4);
  for (let v = 0; v < count; v++) {
    place(sheets, grid, v, front[v] as number, positions, v);
    place(sheets, grid, v, back[v] as number, positions, v + count);
  }
  // Front, back, and the two ends of the wall with the same positions.
  positions.copyWithin(count * 6, 0, count * 6);
  sides.fill(side.back, count, 2 * count).fill(side.wall, 2 * count);
  const indices = Uint32Array.from(faces(sheets, grid));
  return compact({ positions, indices, sides });
}

/** Vertices in the plane of the canvas: inside nodes first, then the rim. */
type Grid = {
  stride: number;
  padded: Float32Array;
  /** Vertex of each padded node, of the crossing to its right, and of the one below; -1 for none. */
  node: Int32Array;
  right: Int32Array;
  below: Int32Array;
  count: number;
  /** Vertices below this are nodes, the others lie on the rim. */
  nodes: number;
  x: number[];
  y: number[];
  front: number[];
  back: number[];
};

function rimAndNodes(sheets: Sheets): Grid {
  const { size, alpha } = sheets;
  const stride = size + 2;
  const padded = new Float32Array(stride * stride);
  for (let y = 0; y < size; y++) padded.set(alpha.subarray(y * size, (y + 1) * size), (y + 1) * stride + 1);
  const empty = () => new Int32Array(stride * stride).fill(-1);
  const grid: Grid = {
    stride,
    padded,
    node: empty(),
    right: empty(),
    below: empty(),
    count: 0,
    nodes: 0,
    x: [],
    y: [],
    front: [],
    back: [],
  };
  for (let y = 1; y <= size; y++) {
    for (let x = 1; x <= size; x++) {
      if ((padded[y * stride + x] as number) >= 0.5) grid.node[y * stride + x] = addNode(sheets, grid, x - 1, y - 1);
    }
  }
  grid.nodes = grid.count;
  for (let y = 0; y <= size; y++) {
    for (let x = 0; x <= size; x++) {
      const i = y * stride + x;
      grid.right[i] = addCrossing(sheets, grid, i, i + 1);
      grid.below[i] = addCrossing(sheets, grid, i, i + stride);
    }
  }
  return grid;
}

function addNode(sheets: Sheets, grid: Grid, x: number, y: number): number {
  const i = y * sheets.size + x;
  const height = sheets.inflation[i] as number;
  const front = sheets.front[i] as number;
  const back = sheets.back[i] as number;
  const middle = (front + back) / 2;
  const half = Math.max(halfThickness(height, sheets.bulk[i] as number, (front - back) / 2), halfThicknessMin);
  return addVertex(grid, canvasX(sheets.size, x), -canvasX(sheets.size, y), middle + half, middle - half);
}

/**
 * Half the distance of the sheets at a node. What makes a body thicker is added to the inflation. What makes it thinner
 * scales it, by as much as it would take off the body's bulk there: the profile keeps its upright tangent at the rim,
 * and no crest shows.
 */
function halfThickness(height: number, bulk: number, offset: number): number {
  if (offset >= 0) return height + offset;
  return height * Math.max(1 + offset / Math.max(height, bulk), thicknessShareMin);
}

/** The rim vertex between two neighbouring padded nodes, or -1 when both are on one side of the contour. */
function addCrossing(sheets: Sheets, grid: Grid, i: number, j: number): number {
  const a = grid.padded[i] as number;
  const b = grid.padded[j] as number;
  if (a >= 0.5 === b >= 0.5) return -1;
  const share = Math.min(Math.max((a - 0.5) / (a - b), edgeShareMin), 1 - edgeShareMin);
  const { size } = sheets;
  const { stride } = grid;
  const at = (node: number) => ({ x: (node % stride) - 1, y: Math.floor(node / stride) - 1 });
  const from = at(i);
  const to = at(j);
  const height = (field: Float32Array, node: { x: number; y: number }) =>
    field[Math.min(Math.max(node.y, 0), size - 1) * size + Math.min(Math.max(node.x, 0), size - 1)] as number;
  const mix = (p: number, q: number) => p + share * (q - p);
  const front = mix(height(sheets.front, from), height(sheets.front, to));
  const back = mix(height(sheets.back, from), height(sheets.back, to));
  const width = front - back;
  // Grows from nothing at the least wall to the full width, so that walls run out in points.
  const half = width <= wallMin ? 0 : (width - wallMin ** 2 / width) / 2;
  const middle = (front + back) / 2;
  return addVertex(
    grid,
    canvasX(size, mix(from.x, to.x)),
    -canvasX(size, mix(from.y, to.y)),
    middle + half,
    middle - half,
  );
}

function addVertex(grid: Grid, x: number, y: number, front: number, back: number): number {
  grid.x.push(x);
  grid.y.push(y);
  grid.front.push(front);
  grid.back.push(back);
  return grid.count++;
}

function canvasX(size: number, pixel: number): number {
  return ((pixel + 0.5) * 2) / size - 1;
}

/** Undoes the perspective: a point of the canvas moves along its ray to height z. */
function place(sheets: Sheets, grid: Grid, vertex: number, z: number, positions: Float32Array, to: number): void {
  const scale = sheets.cameraDistance === null ? 1 : (sheets.cameraDistance - z) / sheets.cameraDistance;
  positions[3 * to] = (grid.x[vertex] as number) * scale;
  positions[3 * to + 1] = (grid.y[vertex] as number) * scale;
  positions[3 * to + 2] = z;
}

function faces(sheets: Sheets, grid: Grid): number[] {
  const { stride, node, right, below, padded } = grid;
  const triangles: number[] = [];
  for (let y = 0; y <= sheets.size; y++) {
    for (let x = 0; x <= sheets.size; x++) {
      const i = y * stride + x;
      const inside = insideCount(node, i, stride);
      if (inside === 0) continue;
      // Corners and the crossings after them, counter-clockwise as seen from the front: top left, bottom left, …
      const corners = [node[i], node[i + stride], node[i + stride + 1], node[i + 1]] as number[];
      if (inside === 4) {
        addPolygon(grid, corners, triangles);
        continue;
      }
      const crossings = [below[i], right[i + stride], below[i + 1], right[i]] as number[];
      const opposite = inside === 2 && (corners[0] as number) >= 0 === (corners[2] as number) >= 0;
      if (opposite && !joined(padded, i, stride)) {
        for (let k = 0; k < 4; k++) {
          if ((corners[k] as number) < 0) continue;
          addPolygon(grid, [corners[k], crossings[k], crossings[(k + 3) % 4]] as number[], triangles);
        }
        continue;
      }
      const polygon = corners.flatMap((corner, k) => [corner, crossings[k] as number]).filter((vertex) => vertex >= 0);
      addPolygon(grid, polygon, triangles);
    }
  }
  return triangles;
}

function insideCount(node: Int32Array, i: number, stride: number): number {
  return (
    ((node[i] as number) >= 0 ? 1 : 0) +
    ((node[i + 1] as number) >= 0 ? 1 : 0) +
    ((node[i + stride] as number) >= 0 ? 1 : 0) +
    ((node[i + stride + 1] as number) >= 0 ? 1 : 0)
  );
}

/** Whether two inside nodes across a cell are connected through its middle. */
function joined(padded: Float32Array, i: number, stride: number): boolean {
  const sum =
    (padded[i] as number) +
    (padded[i + 1] as number) +
    (padded[i + stride] as number) +
    (padded[i + stride + 1] as number);
  return sum >= 2;
}

/** Triangulates a cell's polygon for both sheets, and puts the wall under its contour edges. */
function addPolygon(grid: Grid, polygon: number[], triangles: number[]): void {
  const { count, nodes, front, back } = grid;
  const hub = fanHub(grid, polygon);
  const corners = polygon.length;
  for (let k = 1; k < corners; k++) {
    const p = polygon[(hub + k) % corners] as number;
    const q = polygon[(hub + k + 1) % corners] as number;
    if (k + 1 < corners) {
      const o = polygon[hub] as number;
      triangles.push(o, p, q, o + count, q + count, p + count);
    }
    if (p < nodes || q < nodes) continue;
    const top = 2 * count;
    const bottom = 3 * count;
    if (front[p] !== back[p]) triangles.push(q + top, p + top, p + bottom);
    if (front[q] !== back[q]) triangles.push(q + top, p + bottom, q + bottom);
  }
}

/** The inside node of a polygon from which a fan has the shortest edges on both sheets. */
function fanHub(grid: Grid, polygon: number[]): number {
  let best = -1;
  let least = Infinity;
  for (let hub = 0; hub < polygon.length; hub++) {
    const o = polygon[hub] as number;
    if (o >= grid.nodes) continue;
    let length = 0;
    for (let k = 2; k + 1 < polygon.length; k++)
      length += spread(grid, o, polygon[(hub + k) % polygon.length] as number);
    if (length < least) {
      least = length;
      best = hub;
    }
  }
  return best;
}

function spread(grid: Grid, p: number, q: number): number {
  const difference = (field: number[]) => (field[p] as number) - (field[q] as number);
  return (
    2 * (difference(grid.x) ** 2 + difference(grid.y) ** 2) + difference(grid.front) ** 2 + difference(grid.back) ** 2
  );
}

/** Drops vertices that no face uses: those of walls that are not there. */
function compact({ positions, indices, sides }: Joined): Joined {
  const map = new Int32Array(sides.length).fill(-1);
  for (const vertex of indices) map[vertex] = 0;
  let count = 0;
  for (let v = 0; v < map.length; v++) {
    if ((map[v] as number) < 0) continue;
    map[v] = count;
    positions.copyWithin(3 * count, 3 * v, 3 * v + 3);
    sides[count++] = sides[v] as number;
  }
  return {
    positions: positions.slice(0, 3 * count),
    indices: indices.map((vertex) => map[vertex] as number),
    sides: sides.slice(0, count),
  };
}
