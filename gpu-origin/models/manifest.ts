import { z } from 'zod';
import { Sha256 } from '../../contract/digest.ts';
import { OnnxProvider } from '../../contract/mesh.ts';
import { Model, ModelFamily, ModelName } from '../../contract/model.ts';
import { MeshServerTemplate } from './mesh-server-template.ts';

const FileName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'must be a file name with no path in it');

const TensorType = z.enum(['float32', 'float16']);

const TensorShape = z.strictObject({
  type: TensorType,
  /** A text is a dynamic dimension; `N` is the batch. */
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
  /** The first that names the provider is taken; without one, the file itself. */
  variants: z.array(Variant).optional(),
});

/** What every manifest says. */
const common = {
  name: ModelName,
  version: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,31}$/),
  title: z.string(),
  description: z.string(),
  licence: z.string(),
  /** Every file of the model but this one; each digest is checked before a session is made. */
  files: z.record(FileName, z.strictObject({ sha256: Sha256, bytes: z.number().int().positive() })),
  /**
   * The model that cuts the object out of an opaque picture before this one sees it. Its digest stands here so that it
   * takes part in this manifest's own digest, and so in every request key.
   */
  matting: z.strictObject({ model: Model.shape.id, digest: Sha256 }).optional(),
  defaults: Model.shape.defaults,
  uses: Model.shape.uses,
};

/** A model of ONNX graphs that this origin runs itself. */
export const GraphManifest = z
  .strictObject({
    ...common,
    family: ModelFamily.extract(['two-sided-depth', 'triplane-field', 'matting']),
    graphs: z.record(z.string(), Graph),
    preprocessing: z.strictObject({
      /** Width and height in pixels of the picture that the graph takes. */
      size: z.number().int().min(16).max(2048),
      channels: z.array(z.enum(['red', 'green', 'blue', 'alpha', 'inflation'])),
      /** Whether colours come multiplied by alpha. */
      premultiplied: z.boolean().optional(),
      /** Grey level from 0 to 1 that stands behind the object, where the graph takes no alpha. */
      background: z.number().min(0).max(1).optional(),
    }),
    /** Distance of the pinhole camera that the model was trained with, in half canvas widths; null is orthographic. */
    camera: z.strictObject({ distance: z.number().positive().nullable() }).optional(),
    /** Inside where the density is above the threshold; points lie within ±radius. */
    field: z
      .strictObject({ threshold: z.number(), radius: z.number().positive(), pointsPerRun: z.number().int().positive() })
      .optional(),
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
  })
  .superRefine(({ graphs, golden }, context) => {
    for (const [name, { variants }] of Object.entries(graphs)) {
      if (variants === undefined || golden !== undefined) continue;
      const message = 'need a golden output to be compared with';
      context.addIssue({ code: 'custom', path: ['graphs', name, 'variants'], message });
    }
  });
export type GraphManifest = z.infer<typeof GraphManifest>;

/** A model behind an HTTP server that takes a picture and answers with a mesh. */
const ServerManifest = z.strictObject({ ...common, family: z.literal('http-mesh'), server: MeshServerTemplate });
export type ServerManifest = z.infer<typeof ServerManifest>;

/** `models/<name>/<version>/manifest.json`: all that an origin must know to serve a model. */
export const ModelManifest = z.discriminatedUnion('family', [GraphManifest, ServerManifest]);
export type ModelManifest = z.infer<typeof ModelManifest>;

/** The name and version in a manifest, whatever else it says. */
export const ModelIdentity = z.object({ name: common.name, version: common.version });
export type ModelIdentity = z.infer<typeof ModelIdentity>;
