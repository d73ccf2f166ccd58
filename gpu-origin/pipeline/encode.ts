import type { MeshParams } from '../../contract/key.ts';
import { outputFormats } from '../../contract/request.ts';
import { checkMesh } from '../mesh/check.ts';
import type { Mesh } from '../mesh/mesh.ts';
import { digestOf } from '../digest.ts';
import { encodeGlb } from './formats/glb.ts';
import { encodeTexture } from './formats/image.ts';
import { encodeObj } from './formats/obj.ts';
import { encodePly } from './formats/ply.ts';
import { encodeStl } from './formats/stl.ts';
import type { MadeFile } from './made-file.ts';
import type { PaintedMesh } from './texture.ts';

type Corner = [number, number, number];

/** A finished mesh file and what is in it. */
export type Asset = MadeFile & {
  extension: (typeof outputFormats)[keyof typeof outputFormats]['extension'];
  vertices: number;
  faces: number;
  /** Least and greatest corner in the file's own unit: metres for glTF, millimetres for the others. */
  bounds: [Corner, Corner];
  watertight: boolean;
};

/** Writes a mesh in the format asked for. */
export async function encode({
  painted,
  params,
}: {
  painted: PaintedMesh;
  params: Pick<MeshParams, 'output_format' | 'compression'>;
}): Promise<Asset> {
  const format = params.output_format;
  const { mesh } = painted;
  const written = file(painted, params); // its texture on another thread, most of the time
  const facts = {
    vertices: mesh.positions.length / 3,
    faces: mesh.indices.length / 3,
    bounds: bounds(mesh, format === 'glb' ? 1 : 1000),
    watertight: checkMesh(mesh.positions, mesh.indices).watertight,
  };
  const bytes = await written;
  return { bytes, sha256: digestOf(bytes), ...outputFormats[format], ...facts };
}

async function file(
  { mesh, texture }: PaintedMesh,
  { output_format, compression }: Pick<MeshParams, 'output_format' | 'compression'>,
): Promise<Uint8Array> {
  if (output_format === 'stl') return encodeStl(mesh);
  if (output_format === 'ply') return encodePly(mesh);
  const image = texture && (await encodeTexture(texture));
  return output_format === 'obj' ? encodeObj(mesh, image) : encodeGlb(mesh, image, compression ?? 'none');
}

function bounds(mesh: Mesh, scale: number): [Corner, Corner] {
  const low: Corner = [Infinity, Infinity, Infinity];
  const high: Corner = [-Infinity, -Infinity, -Infinity];
  for (let i = 0; i < mesh.positions.length; i++) {
    const axis = (i % 3) as 0 | 1 | 2;
    const value = scale * (mesh.positions[i] as number);
    low[axis] = Math.min(low[axis], value);
    high[axis] = Math.max(high[axis], value);
  }
  return [low, high];
}
