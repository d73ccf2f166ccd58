import { z } from 'zod';
import { Sha256 } from '../../contract/digest.ts';
import { OnnxProvider } from '../../contract/mesh.ts';
import { Model, ModelName } from '../../contract/model.ts';
import { Preprocessing } from '../pipeline/preprocessing.ts';

const FileName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'must be a file name with no path in it');

const TensorType = z.enum(['float32', 'float16']);

const TensorShape = z.strictObject({
  type: TensorType,
  /** A text is a dynamic dimension: `N` is the batch, `P` the points of one run, any other a side of the picture. */
  shape: z.array(z.union([z.number().int().positive(), z.string()])),
});

/** Another file of the same graph for some providers, such as one in half precision. */
const Variant = z.strictObject({
  providers: z.array(OnnxProvider).min(1),
  file: FileName,
  /** The type of all its inputs and outputs. */
  type: TensorType,
  /** The bound on |out − known| / |known| of the golden output, in place of the golden's own. */
  relative_tolerance: z.number().positive(),
});

const Graph = z.strictObject({
  file: FileName,
  inputs: z.record(z.string(), TensorShape),
  outputs: z.record(z.string(), TensorShape),
  /** The first variant that names the provider is loaded; without one, the file itself. */
  variants: z.array(Variant).optional(),
});

/** The fields of every manifest. */
export const commonFields = {
  name: ModelName,
  version: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,31}$/),
  title: z.string(),
  description: z.string(),
  licence: z.string(),
  /** Every file of the model except the manifest; each digest is checked before a session is made. */
  files: z.record(FileName, z.strictObject({ sha256: Sha256, bytes: z.number().int().positive() })),
  /**
   * The model that cuts the object out of an opaque picture for this one. Its digest stands here so that it takes part in
   * this manifest's own digest, and so in every request key.
   */
  matting: z.strictObject({ model: Model.shape.id, digest: Sha256 }).optional(),
  defaults: Model.shape.defaults,
  uses: Model.shape.uses,
};

/** The fields of a manifest whose ONNX graphs this origin runs itself. */
export const graphFields = {
  ...commonFields,
  graphs: z.record(z.string(), Graph),
  preprocessing: Preprocessing,
  batch: z.strictObject({ maximum: z.number().int().min(1).max(64) }),
  warm_up: z.strictObject({ batches: z.array(z.number().int().positive()).min(1) }),
  /** A run whose outputs are known: raw little-endian float32 files, and the bound on |out − known| / |known|. */
  golden: z
    .strictObject({
      inputs: z.record(z.string(), FileName),
      outputs: z.record(z.string(), FileName),
      relative_tolerance: z.number().positive(),
    })
    .optional(),
};

const GraphFields = z.strictObject(graphFields);

/** What a device must know to run the graphs of a model, of whatever family. */
export type GraphManifest = z.infer<typeof GraphFields> & {
  /** Points of one run, for graphs with a dimension `P`. */
  field?: { pointsPerRun: number };
};

/** Refuses variants in a manifest that has no golden output to compare them with. */
export function requireGolden({ graphs, golden }: GraphManifest, context: z.RefinementCtx): void {
  for (const [name, { variants }] of Object.entries(graphs)) {
    if (variants === undefined || golden !== undefined) continue;
    const message = 'need a golden output to be compared with';
    context.addIssue({ code: 'custom', path: ['graphs', name, 'variants'], message });
  }
}

/** The name and version in a manifest, of whatever family. */
export const ModelIdentity = z.object({ name: commonFields.name, version: commonFields.version });
export type ModelIdentity = z.infer<typeof ModelIdentity>;
