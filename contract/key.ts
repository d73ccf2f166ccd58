import { z } from 'zod';
import { canonicalJson } from './canonical-json.ts';
import { Sha256, sha256 } from './digest.ts';
import type { Model } from './model.ts';
import { fields, paramNames, type ParamField, type ParamName } from './fields.ts';
import type { MeshRequest } from './request.ts';

/** Raised when the meaning of a request changes. */
export const contractVersion = 1;

/** Raised whenever a change at the origin changes the bytes of any mesh. */
export const pipelineVersion = 3;

type Bare<Schema> = Schema extends z.ZodDefault<infer Inner> | z.ZodOptional<infer Inner> ? Inner : Schema;
type Param<Row> = Row extends { param: infer Schema }
  ? Schema
  : Row extends { schema: infer Schema }
    ? Bare<Schema>
    : never;
type ParamShape = {
  [Name in ParamName]: (typeof fields)[Name] extends { usedBy: unknown }
    ? z.ZodOptional<Param<(typeof fields)[Name]>>
    : Param<(typeof fields)[Name]>;
};

/**
 * The parameters that change a mesh's bytes: what the key is made of and what the origin obeys. A field that this mesh
 * does not use is absent; each other one is given.
 */
export const MeshParams = z.strictObject(
  Object.fromEntries(paramNames.map((name) => [name, paramSchema(name)])) as ParamShape,
);
export type MeshParams = z.infer<typeof MeshParams>;

function paramSchema(name: ParamName): z.ZodType {
  const { schema, param, usedBy } = paramRow(name);
  const isWrapped = schema instanceof z.ZodDefault || schema instanceof z.ZodOptional;
  const bare = param ?? (isWrapped ? (schema.unwrap() as z.ZodType) : schema);
  return usedBy === undefined ? bare : bare.optional();
}

function paramRow(name: ParamName): ParamField {
  return fields[name];
}

/** The part of a request that this model and format use, with every default filled; the rest is dropped. */
export function meshParams(request: MeshRequest, model: Model): MeshParams {
  const params: Record<string, unknown> = {};
  const defaults: { readonly [Name in ParamName]?: unknown } = model.defaults;
  for (const name of paramNames) {
    if (!isUsed(name, request, model)) continue;
    const { usedBy, random } = paramRow(name);
    const value = usedBy === 'model' ? (request[name] ?? defaults[name] ?? random?.()) : request[name];
    if (value !== undefined) params[name] = value;
  }
  return params as MeshParams;
}

function isUsed(name: ParamName, request: MeshRequest, model: Model): boolean {
  const { usedBy } = paramRow(name);
  if (usedBy === 'model') return model.uses.some((used) => used === name);
  return usedBy === undefined || usedBy(request);
}

/** True when the answer cannot be found again: the client wants it so, or a random value takes part in it. */
export function isUnrepeatable(request: MeshRequest, model: Model): boolean {
  if (request.cache.mode === 'no_store') return true;
  return model.uses.some((name) => request[name] === null && paramRow(name).random !== undefined);
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

/** The parameters of the model's run. */
const runNames = paramNames.filter((name) => fields[name].stage === 'run');

export type GeometryKeyInput = {
  model: Pick<Model, 'id' | 'digest'>;
  /** SHA-256 of the decoded, oriented pixels with their width and height. */
  pixelsSha256: string;
  params: MeshParams;
  scope: string;
};

/** The key of the surface before encoding: only what the GPU's work depends on. */
export function geometryKey(input: GeometryKeyInput): Promise<string> {
  const params = Object.fromEntries(runNames.map((name) => [name, input.params[name]]));
  return sha256(
    canonicalJson({
      pipeline: pipelineVersion,
      model: input.model.id,
      manifest: input.model.digest,
      pixels: input.pixelsSha256,
      params,
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
