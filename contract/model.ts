import { z } from 'zod';
import { Sha256 } from './digest.ts';
import { fields, modelFieldNames } from './fields.ts';

/** What a model takes and gives. The origin has a table of the families that it can run; the edge only passes the name on. */
const ModelFamily = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'must be the name of a family of models');

/** False for a matting model, which only helps others: it has no way from a picture to a mesh. */
export function makesMeshes({ family }: { family: string }): boolean {
  return family !== 'matting';
}

export const ModelName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must be a lower-case model name');

/** What an upstream of `POST /v1/images/generations` calls the model that turns text into pictures. */
export const TextToImageModel = z.string().min(1).max(200);

/** A model as an origin reports it; the digest is that of its manifest, and so of every file that the manifest names. */
export const Model = z.object({
  /** `name@version`. */
  id: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}@[a-z0-9][a-z0-9._-]{0,31}$/),
  digest: Sha256,
  family: ModelFamily,
  title: z.string().max(200),
  description: z.string().max(2000),
  licence: z.string().max(100),
  /** Request fields beyond the common ones that change what this model makes. */
  uses: z.array(z.enum(modelFieldNames)),
  /** The model's own value of each field in `uses` that the request leaves open. */
  defaults: z.object({ mc_resolution: fields.mc_resolution.schema.unwrap().optional() }),
  createdAtSeconds: z.number().int().nonnegative(),
});
export type Model = z.infer<typeof Model>;
