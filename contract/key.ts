import { z } from 'zod';
import { canonicalJson } from './canonical-json.ts';
import { Sha256, sha256 } from './digest.ts';
import type { Model } from './model.ts';
import { compressions, OutputFormat, outputFormats } from './formats.ts';
import type { MeshRequest } from './request.ts';

/** Raised when the meaning of a request changes. */
export const contractVersion = 1;

/** Raised whenever a change at the origin changes the bytes of any mesh. */
export const pipelineVersion = 2;

/** The parameters that change a mesh's bytes, each given: what the key is made of and what the origin obeys. */
export const MeshParams = z.strictObject({
  output_format: OutputFormat,
  remove_background: z.union([z.literal('auto'), z.boolean()]),
  foreground_ratio: z.number(),
  texture: z.boolean().optional(),
  texture_resolution: z.number().int().optional(),
  target_face_count: z.number().int().nullable(),
  compression: z.enum(compressions).optional(),
  largest_dimension_mm: z.number(),
  mc_resolution: z.number().int().optional(),
  seed: z.number().int().optional(),
});
export type MeshParams = z.infer<typeof MeshParams>;

/** The part of a request that this model and format use, with every default filled; the rest is dropped. */
export function meshParams(request: MeshRequest, model: Model): MeshParams {
  const format = request.output_format;
  const { textured, compressed } = outputFormats[format];
  const uses = (field: 'seed' | 'mc_resolution') => model.uses.includes(field);
  const mcResolution = request.mc_resolution ?? model.defaults.mc_resolution;
  return {
    output_format: format,
    remove_background: request.remove_background,
    foreground_ratio: request.foreground_ratio,
    target_face_count: request.target_face_count,
    largest_dimension_mm: request.largest_dimension_mm,
    ...(textured && { texture: request.texture }),
    ...(textured && request.texture && { texture_resolution: request.texture_resolution }),
    ...(compressed && { compression: request.compression }),
    ...(uses('mc_resolution') && mcResolution !== undefined && { mc_resolution: mcResolution }),
    ...(uses('seed') && { seed: request.seed ?? randomSeed() }),
  };
}

/** True when the answer cannot be found again: the client wants it so, or a random seed takes part in it. */
export function isUnrepeatable(request: MeshRequest, model: Model): boolean {
  return request.cache.mode === 'no_store' || (request.seed === null && model.uses.includes('seed'));
}

export type KeyInput = {
  model: Pick<Model, 'id' | 'digest'>;
  /** SHA-256 of the image's bytes as they came, or of a prompt input's. */
  imageSha256: string;
  params: MeshParams;
  /** `shared`, or the tenant's id for a private result. */
  scope: string;
  /** Random text of a result that must not be found again; else null. */
  nonce: string | null;
};

/** The request key: 64 hexadecimal digits that name the mesh. */
export function requestKey(input: KeyInput): Promise<string> {
  return sha256(
    canonicalJson({
      contract: contractVersion,
      pipeline: pipelineVersion,
      model: input.model.id,
      manifest: input.model.digest,
      image: input.imageSha256,
      params: input.params,
      scope: input.scope,
      ...(input.nonce !== null && { nonce: input.nonce }),
    }),
  );
}

export type GeometryKeyInput = {
  model: Pick<Model, 'id' | 'digest'>;
  /** SHA-256 of the decoded, oriented pixels with their width and height. */
  pixelsSha256: string;
  params: MeshParams;
  scope: string;
};

/** The key of the surface before encoding: only what the GPU's work depends on. */
export function geometryKey(input: GeometryKeyInput): Promise<string> {
  const { remove_background, foreground_ratio, mc_resolution, seed } = input.params;
  return sha256(
    canonicalJson({
      pipeline: pipelineVersion,
      model: input.model.id,
      manifest: input.model.digest,
      pixels: input.pixelsSha256,
      params: {
        remove_background,
        foreground_ratio,
        ...(mc_resolution !== undefined && { mc_resolution }),
        ...(seed !== undefined && { seed }),
      },
      scope: input.scope,
    }),
  );
}

/** The key under which the picture that was made of a prompt is kept, from the digest of the prompt input. */
export function pictureKey({ promptSha256, scope }: { promptSha256: string; scope: string }): Promise<string> {
  return sha256(canonicalJson({ picture: promptSha256, scope }));
}

const meshIdPrefix = 'mesh_';

/** The public id of the mesh with this request key. */
export function meshId(key: string): string {
  return meshIdPrefix + key;
}

/** The request key in a mesh id, or null when the text is not one. */
export function keyOfMeshId(id: string): string | null {
  const key = id.startsWith(meshIdPrefix) ? id.slice(meshIdPrefix.length) : '';
  return Sha256.safeParse(key).success ? key : null;
}

function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] as number;
}
