import { MeshoptSimplifier } from 'meshoptimizer';
import { checkMesh } from './check.ts';
import type { Surface } from './surface.ts';

export type SimplifyTarget = {
  /** Triangles to stop at. */
  faces: number;
  /** Greatest distance from the surface given, as a share of its largest dimension; comes before the count. */
  errorMax: number;
};

/** How much a normal that turns by one unit counts against a vertex that moves by the whole size. */
const normalWeight = 0.02;

/**
 * Takes triangles away where they are missed least. Vertices keep their normals, sides and colours; seams stay closed;
 * what was watertight stays watertight, or the surface is returned as it came.
 */
export async function simplifySurface(surface: Surface, target: SimplifyTarget): Promise<Surface> {
  if (surface.indices.length <= target.faces * 3) return surface;
  await MeshoptSimplifier.ready;
  const [indices] = MeshoptSimplifier.simplifyWithAttributes(
    surface.indices,
    surface.positions,
    3,
    surface.normals,
    3,
    [normalWeight, normalWeight, normalWeight],
    null,
    target.faces * 3,
    target.errorMax,
  );
  const simplified = keepVertices(surface, indices);
  return checkMesh(simplified.positions, simplified.indices).watertight ? simplified : surface;
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
