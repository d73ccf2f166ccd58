import { ambiguousFaces, cellPatches, edgeCorners, facesCutTwiceByOnePatch } from './cell-patches.ts';

/** Samples of a field on size³ points, x slowest and z fastest. */
export type Grid = { values: Float32Array; size: number };

/** Crossings keep this share of an edge away from its ends, so that no two vertices fall together. */
const edgeShareMin = 0.01;

/**
 * The surface where a field falls below a threshold, in units of the grid's spacing from its first point: one vertex for
 * each patch in each cell, at the mean of its crossings (surface nets, with the patches of dual marching cubes), one quad
 * for each crossed edge. Closed and manifold; what reaches the border of the grid is closed there. O(cells).
 */
export function surfaceNets(grid: Grid, threshold: number): { positions: Float32Array; indices: Uint32Array } {
  const net = emptyNet(grid, threshold);
  const { size, inside } = net;
  for (let x = 0; x < size - 1; x++) {
    for (let y = 0; y < size - 1; y++) {
      if (!crossesColumn(net, x * size + y)) continue;
      const row = (x * size + y) * size;
      const beyond = row + size * size;
      let near = 0; // the border is outside
      for (let z = 0; z < size - 1; z++) {
        // Bits of the four points with one z: its own, x + 1, y + 1, both.
        const far =
          (inside[row + z + 1] as number) |
          ((inside[beyond + z + 1] as number) << 1) |
          ((inside[row + size + z + 1] as number) << 2) |
          ((inside[beyond + size + z + 1] as number) << 3);
        const corners = near | (far << 4);
        near = far;
        if (corners !== 0 && corners !== 255) addCell(net, x, y, z, corners);
      }
    }
  }
  return {
    positions: net.positions.slice(0, 3 * net.vertexCount),
    indices: net.indices.slice(0, net.indexCount),
  };
}

type Net = Grid & {
  threshold: number;
  /** 1 for each point that is inside; the outermost points never are, so that every crossed edge has four cells. */
  inside: Uint8Array;
  /** 1 for each line of points along z with any inside, by x × size + y. */
  lines: Uint8Array;
  /** Steps in the values from a cell's first corner to each of its eight. */
  cornerSteps: Int32Array;
  positions: Float32Array;
  vertexCount: number;
  indices: Uint32Array;
  indexCount: number;
  /** First vertex, and inside bits × 64 + flipped faces, of the cells of this slab and the one before, by x's parity. */
  first: Int32Array;
  states: Uint16Array;
};

function emptyNet({ values, size }: Grid, threshold: number): Net {
  const inside = new Uint8Array(values.length);
  const lines = new Uint8Array(size * size);
  for (let x = 1; x < size - 1; x++) {
    for (let y = 1; y < size - 1; y++) {
      const row = (x * size + y) * size;
      let any = 0;
      for (let i = row + 1; i < row + size - 1; i++) {
        const bit = (values[i] as number) > threshold ? 1 : 0;
        inside[i] = bit;
        any |= bit;
      }
      lines[x * size + y] = any;
    }
  }
  return {
    values,
    size,
    threshold,
    inside,
    lines,
    cornerSteps: Int32Array.from(
      { length: 8 },
      (_, corner) => (corner & 1) * size * size + ((corner >> 1) & 1) * size + (corner >> 2),
    ),
    positions: new Float32Array(3 * size * size),
    vertexCount: 0,
    indices: new Uint32Array(6 * size * size),
    indexCount: 0,
    first: new Int32Array(2 * size * size),
    states: new Uint16Array(2 * size * size),
  };
}

/** Whether any cell of the column at a line of points can hold a part of the surface. */
function crossesColumn({ lines, size }: Net, line: number): boolean {
  return lines[line] === 1 || lines[line + 1] === 1 || lines[line + size] === 1 || lines[line + size + 1] === 1;
}

function addCell(net: Net, x: number, y: number, z: number, corners: number): void {
  const { size } = net;
  const at = (x * size + y) * size + z;
  const flips = ambiguousFaces[corners] === 0 ? 0 : flippedFaces(net, at, corners);
  const cell = ((x & 1) * size + y) * size + z;
  net.first[cell] = net.vertexCount;
  net.states[cell] = corners * 64 + flips;
  if (3 * (net.vertexCount + 4) > net.positions.length) net.positions = doubled(net.positions);
  if (net.indexCount + 18 > net.indices.length) net.indices = doubled(net.indices);
  const { patchOf, count } = cellPatches(corners, flips);
  for (let patch = 0; patch < count; patch++) {
    addVertex(net, at, patchOf, patch);
    const to = 3 * net.vertexCount++;
    net.positions[to] = (net.positions[to] as number) + x;
    net.positions[to + 1] = (net.positions[to + 1] as number) + y;
    net.positions[to + 2] = (net.positions[to + 2] as number) + z;
  }
  // The crossed edges that start at the first corner; the three other cells around each came before.
  const start = corners & 1;
  if (start !== ((corners >> 1) & 1)) addQuad(net, cell, 0, start);
  if (start !== ((corners >> 2) & 1)) addQuad(net, cell, 1, start);
  if (start !== ((corners >> 4) & 1)) addQuad(net, cell, 2, start);
}

function doubled<A extends Float32Array | Uint32Array>(array: A): A {
  const larger = array instanceof Float32Array ? new Float32Array(2 * array.length) : new Uint32Array(2 * array.length);
  larger.set(array);
  return larger as A;
}

/** Bit per face that is cut the other way; as both cells of a face see the same, they agree. */
function flippedFaces({ inside, size, cornerSteps }: Net, at: number, corners: number): number {
  const twice = facesCutTwiceByOnePatch[corners] as number;
  let flips = 0;
  for (let face = 0; face < 6; face++) {
    if (((twice >> face) & 1) === 0) continue;
    const step = face >> 1 === 0 ? size * size : face >> 1 === 1 ? size : 1;
    const beyond = face & 1 ? at + step : at - step; // never over the border, where all points are outside
    let others = 0;
    for (let corner = 0; corner < 8; corner++) {
      others |= (inside[beyond + (cornerSteps[corner] as number)] as number) << corner;
    }
    if (((facesCutTwiceByOnePatch[others] as number) >> (face ^ 1)) & 1) flips |= 1 << face;
  }
  return flips;
}

const edgeFrom = Uint8Array.from(edgeCorners, ([from]) => from);
const edgeTo = Uint8Array.from(edgeCorners, ([, to]) => to);

/** Writes the mean of a patch's crossings, from the cell's first corner, as the next position. */
function addVertex(
  { values, threshold, cornerSteps, positions, vertexCount }: Net,
  at: number,
  patchOf: Uint8Array,
  patch: number,
): void {
  let x = 0;
  let y = 0;
  let z = 0;
  let crossings = 0;
  for (let edge = 0; edge < 12; edge++) {
    if (patchOf[edge] !== patch) continue;
    const from = edgeFrom[edge] as number;
    const a = values[at + (cornerSteps[from] as number)] as number;
    const b = values[at + (cornerSteps[edgeTo[edge] as number] as number)] as number;
    const share = Math.min(Math.max((threshold - a) / (b - a), edgeShareMin), 1 - edgeShareMin);
    x += from & 1;
    y += (from >> 1) & 1;
    z += from >> 2;
    if (edge < 4) x += share;
    else if (edge < 8) y += share;
    else z += share;
    crossings++;
  }
  const to = 3 * vertexCount;
  positions[to] = x / crossings;
  positions[to + 1] = y / crossings;
  positions[to + 2] = z / crossings;
}

/** Adds the two triangles between the four cells around an edge along an axis, cut along the shorter diagonal. */
function addQuad(net: Net, cell: number, axis: number, leaving: number): void {
  const { size } = net;
  // Steps back in the slabs along x (to the other slab), y and z.
  const backX = cell >= size * size ? -size * size : size * size;
  const u = axis === 0 ? -size : axis === 1 ? -1 : backX;
  const v = axis === 0 ? -1 : axis === 1 ? backX : -size;
  // The edge seen from the four cells, counter-clockwise from the end of the axis; numbers as in cell-patches.ts.
  const edge = axis * 4;
  const stepU = axis === 1 ? 2 : 1;
  const stepV = axis === 1 ? 1 : 2;
  const a = vertexAt(net, cell, edge);
  const b = vertexAt(net, cell + u, edge + stepU);
  const c = vertexAt(net, cell + u + v, edge + 3);
  const d = vertexAt(net, cell + v, edge + stepV);
  const first = leaving === 1 ? b : d;
  const last = leaving === 1 ? d : b;
  if (squaredDistance(net.positions, a, c) <= squaredDistance(net.positions, b, d)) {
    addTriangle(net, a, first, c);
    addTriangle(net, a, c, last);
  } else {
    addTriangle(net, a, first, last);
    addTriangle(net, first, c, last);
  }
}

function vertexAt(net: Net, cell: number, edge: number): number {
  const state = net.states[cell] as number;
  return (net.first[cell] as number) + (cellPatches(state >> 6, state & 63).patchOf[edge] as number);
}

function squaredDistance(positions: Float32Array, p: number, q: number): number {
  const x = (positions[3 * p] as number) - (positions[3 * q] as number);
  const y = (positions[3 * p + 1] as number) - (positions[3 * q + 1] as number);
  const z = (positions[3 * p + 2] as number) - (positions[3 * q + 2] as number);
  return x * x + y * y + z * z;
}

function addTriangle(net: Net, a: number, b: number, c: number): void {
  net.indices[net.indexCount] = a;
  net.indices[net.indexCount + 1] = b;
  net.indices[net.indexCount + 2] = c;
  net.indexCount += 3;
}
