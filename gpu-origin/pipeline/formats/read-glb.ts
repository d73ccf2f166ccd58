import { NodeIO, type Material, type Primitive, type vec3 } from '@gltf-transform/core';
import { ALL_EXTENSIONS } from '@gltf-transform/extensions';
import draco3d from 'draco3dgltf';
import { MeshoptDecoder } from 'meshoptimizer';
import { Problem } from '../../../contract/problem.ts';
import { smoothNormals } from '../../mesh/normals.ts';
import { gather } from '../../mesh/simplify.ts';
import type { Surface } from '../../mesh/surface.ts';
import { baseColours } from './base-colours.ts';
import { checkCounts, Unusable } from './glb-counts.ts';

/** A part of the scene: positions where the scene has them, three vertex numbers a triangle, linear colours. */
type Part = { positions: Float32Array; indices: Uint32Array; colours: Float32Array | null };

/**
 * The surface in a binary glTF file as one piece: every triangle of its scene, node transforms applied, compressions
 * undone, normals made anew. Base colours (factor, vertex colours, texture) become a colour a vertex. Throws the Problem
 * `upstream_failed` when the file is damaged, empty or too large.
 */
export async function readGlb(bytes: Uint8Array): Promise<Surface> {
  try {
    return surfaceOf(await partsOf(bytes));
  } catch (cause) {
    const why = cause instanceof Unusable ? cause.message : 'it is not a readable GLB';
    throw new Problem('upstream_failed', `The model's server gave no usable mesh: ${why}.`, { cause });
  }
}

async function partsOf(bytes: Uint8Array): Promise<Part[]> {
  // defence: API10-8
  checkCounts(bytes);
  await MeshoptDecoder.ready;
  const io = new NodeIO().registerExtensions(ALL_EXTENSIONS).registerDependencies({
    'meshopt.decoder': MeshoptDecoder,
    'draco3d.decoder': await draco3d.createDecoderModule(),
  });
  // Copied, since its numbers are read in place, which bytes inside another buffer may not be aligned for.
  const root = (await io.readBinary(new Uint8Array(bytes))).getRoot();
  const placed: { primitive: Primitive; matrix: readonly number[] }[] = [];
  (root.getDefaultScene() ?? root.listScenes()[0])?.traverse((node) => {
    const matrix = node.getWorldMatrix();
    for (const primitive of node.getMesh()?.listPrimitives() ?? []) placed.push({ primitive, matrix });
  });
  const colourOf = baseColours();
  const parts: Part[] = [];
  for (const { primitive, matrix } of placed) {
    const part = await partOf(primitive, matrix, colourOf);
    if (part !== null) parts.push(part);
  }
  return parts;
}

/** A primitive's triangles; null when it has lines or points. */
async function partOf(
  primitive: Primitive,
  matrix: readonly number[],
  colourOf: (primitive: Primitive, material: Material | null) => Promise<Float32Array | null>,
): Promise<Part | null> {
  const points = primitive.getAttribute('POSITION');
  if (points === null || primitive.getMode() !== 4) return null;
  const count = points.getCount();
  const positions = new Float32Array(3 * count);
  const point: vec3 = [0, 0, 0];
  for (let i = 0; i < count; i++) positions.set(transformed(points.getElement(i, point), matrix), 3 * i);
  if (!positions.every(Number.isFinite)) throw new Unusable('it has positions that are no numbers');
  const given = primitive.getIndices()?.getArray() ?? Uint32Array.from({ length: count }, (_, i) => i);
  const indices = Uint32Array.from(given.subarray(0, given.length - (given.length % 3)));
  if (indices.some((index) => index >= count)) throw new Unusable('it has triangles of vertices that are not there');
  // A mirroring transform turns triangles inside out (glTF 2.0 §3.7.4).
  if (isMirroring(matrix)) for (let i = 0; i < indices.length; i += 3) indices.subarray(i, i + 2).reverse();
  return { positions, indices, colours: await colourOf(primitive, primitive.getMaterial()) };
}

function transformed([x, y, z]: vec3, m: readonly number[]): vec3 {
  const row = (k: number) =>
    (m[k] as number) * x + (m[k + 4] as number) * y + (m[k + 8] as number) * z + (m[k + 12] as number);
  return [row(0), row(1), row(2)];
}

function isMirroring(m: readonly number[]): boolean {
  const [a = 0, b = 0, c = 0, , d = 0, e = 0, f = 0, , g = 0, h = 0, i = 0] = m;
  return a * (e * i - f * h) - d * (b * i - c * h) + g * (b * f - c * e) < 0;
}

function surfaceOf(parts: readonly Part[]): Surface {
  const count = parts.reduce((sum, part) => sum + part.positions.length / 3, 0);
  const positions = new Float32Array(3 * count);
  const coloured = parts.some(({ colours }) => colours !== null);
  const colors = new Uint8Array(coloured ? 3 * count : 0).fill(255);
  const faces: number[] = [];
  let first = 0;
  for (const part of parts) {
    positions.set(part.positions, 3 * first);
    part.colours?.forEach((linear, i) => (colors[3 * first + i] = srgbByte(linear)));
    for (let i = 0; i < part.indices.length; i += 3) {
      const corners = [...part.indices.subarray(i, i + 3)].map((index) => first + index);
      if (!hasEqualCorners(positions, corners)) faces.push(...corners);
    }
    first += part.positions.length / 3;
  }
  if (faces.length === 0) throw new Unusable('it has no triangles');
  const smooth = smoothNormals(positions, Uint32Array.from(faces));
  return {
    positions: gather(positions, smooth.sources, 3, new Float32Array(3 * smooth.sources.length)),
    indices: smooth.indices,
    normals: smooth.normals,
    sides: null,
    colors: coloured ? gather(colors, smooth.sources, 3, new Uint8Array(3 * smooth.sources.length)) : null,
  };
}

/** A triangle with two corners in one place: leaving it out opens nothing, since its other two edges lie on each other. */
function hasEqualCorners(positions: Float32Array, [a = 0, b = 0, c = 0]: readonly number[]): boolean {
  const equal = (i: number, j: number) => [0, 1, 2].every((k) => positions[3 * i + k] === positions[3 * j + k]);
  return equal(a, b) || equal(b, c) || equal(c, a);
}

function srgbByte(linear: number): number {
  const value = Math.min(Math.max(linear, 0), 1);
  return Math.round(255 * (value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055));
}
