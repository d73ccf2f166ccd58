import type { MeshParams } from '../../contract/key.ts';
import { outputFormats, type OutputFormat } from '../../contract/formats.ts';
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
  extension: (typeof outputFormats)[OutputFormat]['extension'];
  vertices: number;
  faces: number;
  /** Least and greatest corner in the format's unit. */
  bounds: [Corner, Corner];
  watertight: boolean;
};

type Encoding = { compression: NonNullable<MeshParams['compression']> };

/** Writes a mesh, in metres, as a file in the format's own unit. */
type Encoder = (painted: PaintedMesh, encoding: Encoding) => Uint8Array | Promise<Uint8Array>;

const encoders: Readonly<Record<OutputFormat, Encoder>> = {
  glb: async ({ mesh, texture }, { compression }) =>
    encodeGlb(mesh, texture && (await encodeTexture(texture)), compression),
  obj: async ({ mesh, texture }) => encodeObj(mesh, texture && (await encodeTexture(texture))),
  stl: ({ mesh }) => encodeStl(mesh),
  ply: ({ mesh }) => encodePly(mesh),
};

const perMetre = { metre: 1, millimetre: 1000 } as const;

/** Writes a mesh in the format asked for. */
export async function encode({
  painted,
  params,
}: {
  painted: PaintedMesh;
  params: Pick<MeshParams, 'output_format' | 'compression'>;
}): Promise<Asset> {
  const { mediaType, extension, unit } = outputFormats[params.output_format];
  const { mesh } = painted;
  // Mostly done by another thread: the JPEG of the texture.
  const written = encoders[params.output_format](painted, { compression: params.compression ?? 'none' });
  const facts = {
    vertices: mesh.positions.length / 3,
    faces: mesh.indices.length / 3,
    bounds: bounds(mesh, perMetre[unit]),
    watertight: checkMesh(mesh.positions, mesh.indices).watertight,
  };
  const bytes = await written;
  return { bytes, sha256: digestOf(bytes), mediaType, extension, ...facts };
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
