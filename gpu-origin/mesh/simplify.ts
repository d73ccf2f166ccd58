import { MeshoptSimplifier } from 'meshoptimizer';
import { checkMesh } from './check.ts';
import type { Surface } from './surface.ts';
import { weld } from './weld.ts';

export type SimplifyTarget = {
  /** Triangles to stop at. */
  faces: number;
  /**
   * Greatest error, as a share of the surface's largest dimension, as the simplifier's quadrics measure it; all steps
   * together stay within it. Comes before the count.
   */
  errorMax: number;
};

/** How much a normal that turns by one unit counts against a vertex that moves by the whole size. */
const normalWeight = 0.02;

/** Times that a simplification is tried again around the faults that it made. */
const triesMax = 4;

/** What a step leaves of the triangles: at first, at last, and by how much more after a step that failed. */
const stepShares = { first: 0.5, last: 0.9, finer: 0.2 };

/**
 * Takes triangles away where they are missed least. Vertices keep their normals, sides and colours; seams stay closed;
 * what was watertight stays watertight: triangles stay where taking them away would fold the surface onto itself. Where
 * that cannot be had in one go it is done in steps, the finer the harder it gets, up to the last that is watertight.
 */
export async function simplifySurface(surface: Surface, target: SimplifyTarget): Promise<Surface> {
  await MeshoptSimplifier.ready;
  if (surface.indices.length <= target.faces * 3) return surface;
  const atOnce = watertightSimplification(surface, target);
  if (atOnce !== null) return atOnce.surface;
  let best = surface;
  // Each step measures from the surface that the one before it left: what they moved adds up.
  let errorLeft = target.errorMax;
  for (let share = stepShares.first; share <= stepShares.last;) {
    const faces = Math.max(target.faces, Math.ceil((share * best.indices.length) / 3));
    const step = watertightSimplification(best, { faces, errorMax: errorLeft / 2 });
    if (step === null) {
      share += stepShares.finer;
      continue;
    }
    const stuck = step.surface.indices.length > 0.95 * best.indices.length;
    best = step.surface;
    errorLeft -= step.error;
    if (stuck || best.indices.length <= target.faces * 3) break;
  }
  return best;
}

/** One simplification, tried again with its faulty places locked; null when faults come up in ever new places. */
function watertightSimplification(
  surface: Surface,
  target: SimplifyTarget,
): { surface: Surface; error: number } | null {
  const locks = new Uint8Array(surface.positions.length / 3);
  for (let tries = 0; tries < triesMax; tries++) {
    const { indices, error } = simplified(surface, target, locks);
    const check = checkMesh(surface.positions, indices);
    if (check.watertight) return { surface: keepVertices(surface, indices), error };
    lockAround(surface.positions, indices, check.faultyVertices, locks);
  }
  return null;
}

function simplified(
  surface: Surface,
  { faces, errorMax }: SimplifyTarget,
  locks: Uint8Array,
): { indices: Uint32Array; error: number } {
  const weights = [normalWeight, normalWeight, normalWeight];
  const [indices, error] = MeshoptSimplifier.simplifyWithAttributes(
    surface.indices,
    surface.positions,
    3,
    surface.normals,
    3,
    weights,
    locks,
    faces * 3,
    errorMax,
  );
  return { indices, error };
}

/** Locks the faulty places and their neighbours; a place is locked for all vertices at its position. */
function lockAround(
  positions: Float32Array,
  indices: Uint32Array,
  faulty: ReadonlySet<number>,
  locks: Uint8Array,
): void {
  const canonical = weld(positions);
  const places = new Set(faulty);
  for (let i = 0; i < indices.length; i += 3) {
    const face = [...indices.subarray(i, i + 3)].map((vertex) => canonical[vertex] as number);
    if (face.some((place) => faulty.has(place))) for (const place of face) places.add(place);
  }
  for (let vertex = 0; vertex < canonical.length; vertex++) {
    if (places.has(canonical[vertex] as number)) locks[vertex] = 1;
  }
}

/** The surface with these triangles and only the vertices that they use. */
function keepVertices(surface: Surface, triangles: Uint32Array): Surface {
  const map = new Int32Array(surface.positions.length / 3).fill(-1);
  const kept: number[] = [];
  const indices = triangles.map((vertex) => {
    if ((map[vertex] as number) < 0) map[vertex] = kept.push(vertex) - 1;
    return map[vertex] as number;
  });
  return {
    positions: gather(surface.positions, kept, 3, new Float32Array(kept.length * 3)),
    indices,
    normals: gather(surface.normals, kept, 3, new Float32Array(kept.length * 3)),
    sides: surface.sides && gather(surface.sides, kept, 1, new Uint8Array(kept.length)),
    colors: surface.colors && gather(surface.colors, kept, 3, new Uint8Array(kept.length * 3)),
  };
}

/** Copies the given items of `width` numbers each from one array into another. */
export function gather<A extends Float32Array | Uint8Array>(
  from: A,
  items: ArrayLike<number>,
  width: number,
  into: A,
): A {
  for (let i = 0; i < items.length; i++) {
    for (let k = 0; k < width; k++) into[i * width + k] = from[(items[i] as number) * width + k] as number;
  }
  return into;
}
