type Vector = readonly [number, number, number];

/** Side of a grid cell in mean edges: few triangles lie in more than eight cells, and few cells hold more than a dozen. */
const cellEdges = 1.5;

/** An edge must go through a triangle's plane by this share of the mean edge on both sides; less is rounding. */
const throughMin = 1e-4;

/**
 * Pairs of triangles that go through each other, of which no vertex is the same: those beside each other touch and do not
 * count, nor do triangles in one plane. Brute force over the cells of a grid.
 */
export function selfIntersections(positions: Float32Array, indices: Uint32Array): [number, number][] {
  const vertex = sameVertices(positions);
  const at = (v: number): Vector => [positions[3 * v] ?? NaN, positions[3 * v + 1] ?? NaN, positions[3 * v + 2] ?? NaN];
  const corners = (t: number) => [...indices.subarray(3 * t, 3 * t + 3)];
  const triangles = Array.from({ length: indices.length / 3 }, (_, t) => {
    const ids = corners(t);
    return { ids: ids.map((v) => vertex[v] ?? NaN), points: ids.map(at) as unknown as [Vector, Vector, Vector] };
  });
  const edge = triangles.reduce((sum, { points: [a, b] }) => sum + length(minus(b, a)), 0) / triangles.length;
  const cells = new Map<number, number[]>();
  for (const [t, { points }] of triangles.entries()) {
    for (const cell of cellsOf(points, cellEdges * edge)) {
      const held = cells.get(cell);
      if (held) held.push(t);
      else cells.set(cell, [t]);
    }
  }
  const found = new Map<string, [number, number]>();
  for (const held of cells.values()) {
    for (const [i, a] of held.entries()) {
      for (const b of held.slice(i + 1)) {
        const [first, second] = [triangles[a], triangles[b]];
        if (!first || !second || apart(first.points, second.points) || first.ids.some((id) => second.ids.includes(id)))
          continue;
        if (cross(first.points, second.points, throughMin * edge)) found.set(`${a} ${b}`, [a, b]);
      }
    }
  }
  return [...found.values()];
}

/** For each vertex the first one at exactly its place: vertices are doubled where sides and creases meet. */
function sameVertices(positions: Float32Array): Uint32Array {
  const firsts = new Map<string, number>();
  return Uint32Array.from({ length: positions.length / 3 }, (_, v) => {
    const place = positions.subarray(3 * v, 3 * v + 3).join();
    const first = firsts.get(place) ?? v;
    firsts.set(place, first);
    return first;
  });
}

/** The cells that a triangle's box lies in, as numbers; that two cells may have the same one costs a few comparisons. */
function* cellsOf(points: readonly Vector[], size: number): Generator<number> {
  const range = (axis: 0 | 1 | 2) => {
    const values = points.map((point) => Math.floor(point[axis] / size));
    return [Math.min(...values), Math.max(...values)] as const;
  };
  const [[x0, x1], [y0, y1], [z0, z1]] = [range(0), range(1), range(2)];
  for (let x = x0; x <= x1; x++)
    for (let y = y0; y <= y1; y++) for (let z = z0; z <= z1; z++) yield (x * 1021 + y) * 1021 + z;
}

/** Whether the boxes of two triangles do not meet. */
function apart(a: Triangle, b: Triangle): boolean {
  for (const k of [0, 1, 2] as const) {
    if (Math.max(a[0][k], a[1][k], a[2][k]) < Math.min(b[0][k], b[1][k], b[2][k])) return true;
    if (Math.max(b[0][k], b[1][k], b[2][k]) < Math.min(a[0][k], a[1][k], a[2][k])) return true;
  }
  return false;
}

type Triangle = readonly [Vector, Vector, Vector];

/** Whether an edge of one triangle goes through the other. */
function cross(a: Triangle, b: Triangle, least: number): boolean {
  return pierces(a, b, least) || pierces(b, a, least);
}

function pierces(edges: Triangle, [p, q, r]: Triangle, least: number): boolean {
  const normal = product(minus(q, p), minus(r, p));
  const size = length(normal);
  if (size === 0) return false;
  const heights = edges.map((point) => dot(minus(point, p), normal) / size);
  for (const [i, j] of [
    [0, 1],
    [1, 2],
    [2, 0],
  ] as const) {
    const [from = 0, to = 0] = [heights[i], heights[j]];
    if (from * to >= 0 || Math.min(Math.abs(from), Math.abs(to)) < least) continue;
    const share = from / (from - to);
    const [start, end] = [edges[i], edges[j]];
    const hit = start.map((value, k) => value + share * ((end[k] ?? NaN) - value)) as unknown as Vector;
    const inside = [
      [p, q],
      [q, r],
      [r, p],
    ].every(([s = p, t = p]) => dot(product(minus(t, s), minus(hit, s)), normal) > 0);
    if (inside) return true;
  }
  return false;
}

function minus(a: Vector, b: Vector): Vector {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}

function dot(a: Vector, b: Vector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

function product(a: Vector, b: Vector): Vector {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

function length(a: Vector): number {
  return Math.hypot(...a);
}
