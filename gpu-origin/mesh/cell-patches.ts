/**
 * Which edges of a grid cell belong to one patch of the surface. Corners are numbered by their bits (1: x, 2: y, 4: z);
 * edges by axis × 4 + the bits of the other two axes, lower axis first; faces by axis × 2 + side.
 *
 * A face whose corners alternate could be cut in two ways. Here the two inside corners are kept apart, unless that
 * would make an edge of the mesh shared by four faces (`facesCutTwiceByOnePatch`); then the outside corners are.
 */
export type CellPatches = {
  /** Patch of each of the 12 edges; `notCrossed` for an edge that is not crossed. */
  patchOf: Uint8Array;
  count: number;
};

/** In the place of a patch. */
const notCrossed = 255;

/** The two corners of each edge. */
export const edgeCorners: readonly (readonly [number, number])[] = Array.from({ length: 12 }, (_, edge) => {
  const axis = edge >> 2;
  const [first, second] = otherAxes(axis);
  const from = (edge & 1 ? 1 << first : 0) | (edge & 2 ? 1 << second : 0);
  return [from, from | (1 << axis)];
});

const edgesOfFace: readonly (readonly number[])[] = Array.from({ length: 6 }, (_, face) =>
  edgeCorners.flatMap(([from, to], edge) => (onFace(from, face) && onFace(to, face) ? [edge] : [])),
);

const unflipped: readonly CellPatches[] = Array.from({ length: 256 }, (_, inside) => findPatches(inside, 0));

/** The patches of a cell: `inside` has a bit for each corner, `flips` one for each face that is cut the other way. */
export function cellPatches(inside: number, flips: number): CellPatches {
  return flips === 0 ? (unflipped[inside] as CellPatches) : findPatches(inside, flips); // flips are rare
}

/** Bit per face of a cell whose corners alternate between inside and outside. */
export const ambiguousFaces: Uint8Array = Uint8Array.from({ length: 256 }, (_, inside) => {
  let faces = 0;
  for (let face = 0; face < 6; face++) if (crossed(inside, face).length === 4) faces |= 1 << face;
  return faces;
});

/**
 * Bit per face on which both cuts belong to one patch of the cell. Where that is so on both sides of a face, both patches
 * would meet along two edges of the mesh with the same ends (Wenger, Isosurfaces, 2013, §3.3.4): that face must be flipped.
 */
export const facesCutTwiceByOnePatch: Uint8Array = Uint8Array.from({ length: 256 }, (_, inside) => {
  let faces = 0;
  for (let face = 0; face < 6; face++) {
    const edges = crossed(inside, face);
    if (edges.length < 4) continue;
    const { patchOf } = cellPatches(inside, 0);
    if (edges.every((edge) => patchOf[edge] === patchOf[edges[0] as number])) faces |= 1 << face;
  }
  return faces;
});

function findPatches(inside: number, flips: number): CellPatches {
  const patchOf = new Uint8Array(12).fill(notCrossed);
  const links = Array.from({ length: 12 }, (): number[] => []);
  for (let face = 0; face < 6; face++) {
    for (const [a, b] of cuts(inside, face, (flips >> face) & 1)) {
      links[a]?.push(b);
      links[b]?.push(a);
    }
  }
  let count = 0;
  for (let edge = 0; edge < 12; edge++) {
    if (patchOf[edge] !== notCrossed || links[edge]?.length === 0) continue;
    const queue = [edge];
    for (const at of queue) {
      if (patchOf[at] !== notCrossed) continue;
      patchOf[at] = count;
      queue.push(...(links[at] ?? []));
    }
    count++;
  }
  return { patchOf, count };
}

/** Pairs of a face's edges that the surface joins on that face. */
function cuts(inside: number, face: number, flip: number): [number, number][] {
  const edges = crossed(inside, face);
  if (edges.length === 2) return [edges as [number, number]];
  if (edges.length === 0) return [];
  // Around each corner that is kept apart, its two edges on this face.
  return Array.from({ length: 8 }, (_, corner) => corner)
    .filter((corner) => onFace(corner, face) && ((inside >> corner) & 1) === 1 - flip)
    .map((corner) => edges.filter((edge) => edgeCorners[edge]?.includes(corner)) as [number, number]);
}

function crossed(inside: number, face: number): number[] {
  return (edgesOfFace[face] ?? []).filter((edge) => {
    const [from, to] = edgeCorners[edge] ?? [0, 0];
    return ((inside >> from) & 1) !== ((inside >> to) & 1);
  });
}

function onFace(corner: number, face: number): boolean {
  return ((corner >> (face >> 1)) & 1) === (face & 1);
}

function otherAxes(axis: number): [number, number] {
  return axis === 0 ? [1, 2] : axis === 1 ? [0, 2] : [0, 1];
}
