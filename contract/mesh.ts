import { z } from 'zod';
import { Sha256 } from './digest.ts';
import { TextToImageModel } from './model.ts';
import { fileExtensions, formatUnits, OutputFormat } from './formats.ts';
import { manifestTiers, type ManifestTier } from './tiers.ts';

/** The stages of a job at the origin, in their order; `queue` is the wait before them. */
export const stages = ['queue', 'decode', 'matte', 'infer', 'surface', 'texture', 'encode'] as const;
export type Stage = (typeof stages)[number];

const Milliseconds = z.number().nonnegative();

/** Wall time of each stage and of the whole job, in milliseconds. */
export const Timings = z.strictObject({
  queue: Milliseconds,
  /** Of a prompt alone: until its picture was there, upstream's time; next to nothing when the picture was kept. */
  generate: Milliseconds.optional(),
  decode: Milliseconds,
  matte: Milliseconds,
  infer: Milliseconds,
  surface: Milliseconds,
  texture: Milliseconds,
  encode: Milliseconds,
  total: Milliseconds,
});
export type Timings = z.infer<typeof Timings>;

/** Where ONNX Runtime can run a model. */
export const OnnxProvider = z.enum(['cpu', 'cuda', 'webgpu']);
export type OnnxProvider = z.infer<typeof OnnxProvider>;

/** Where a model ran; `http` is a server that an origin asked. */
export const Provider = z.enum([...OnnxProvider.options, 'http']);
export type Provider = z.infer<typeof Provider>;

const Vector3 = z.tuple([z.number(), z.number(), z.number()]);

/** Bytes that were written back, by their digest. */
export const StoredBlob = z.strictObject({
  sha256: Sha256,
  bytes: z.number().int().positive(),
  mediaType: z.string().max(100),
  extension: z.enum(fileExtensions),
});
export type StoredBlob = z.infer<typeof StoredBlob>;

/** What is kept of a finished mesh under `meshes/<key>.json`: the same for every tenant that may read it. */
export const MeshManifest = z.strictObject({
  key: Sha256,
  /** Of a private mesh alone: a digest by which the edge knows its tenant again. The edge sets it, not the origin. */
  owner: Sha256.optional(),
  /** `name@version`. */
  model: z.string(),
  modelDigest: Sha256,
  /** Digest of the job's body: the picture as it came, or the prompt input. */
  imageSha256: Sha256,
  /** Of a prompt alone: who made its picture, the picture's digest, and the key that it is kept under beside surfaces. */
  source: z.strictObject({ model: TextToImageModel, imageSha256: Sha256, pictureKey: Sha256 }).optional(),
  outputFormat: OutputFormat,
  createdAtSeconds: z.number().int(),
  completedAtSeconds: z.number().int(),
  /** Null for a result that is kept until it is evicted. */
  expiresAtSeconds: z.number().int().nullable(),
  asset: StoredBlob.extend({
    vertices: z.number().int().positive(),
    faces: z.number().int().positive(),
    /** Least and greatest corner, in the format's unit. */
    bounds: z.tuple([Vector3, Vector3]),
    watertight: z.boolean(),
  }),
  thumbnail: StoredBlob.nullable(),
  provider: Provider,
  degraded: z.boolean(),
  timingsMs: Timings,
  /** Time that the accelerator (or its CPU stand-in) spent on this mesh; 0 when the geometry was reused. */
  gpuMs: Milliseconds,
  reused: z.literal('geometry').nullable(),
  /** Key of the surface that this mesh was encoded from, if it is kept: what must be forgotten with its last mesh. */
  geometryKey: Sha256.optional(),
});
export type MeshManifest = z.infer<typeof MeshManifest>;

/** Keys of what is kept of a mesh under `geometry/`: its surface, and the picture that was made of its prompt. */
export function surfaceKeysOf({ geometryKey, source }: MeshManifest): readonly string[] {
  return [geometryKey, source?.pictureKey].filter((key) => key !== undefined);
}

/** Where a completed mesh came from. */
export type CacheOutcome =
  | { status: 'hit'; tier: ManifestTier; age_s: number; saved_gpu_ms: number; reused: 'geometry' | null }
  | { status: 'miss' | 'joined'; tier: null; age_s: 0; saved_gpu_ms: 0; reused: 'geometry' | null };

const Seconds = z.number().int().describe('Seconds since the epoch.');

/** The public mesh object of the API; the descriptions are those of its documentation. */
export const MeshObject = z.object({
  id: z.string().describe('`mesh_` and 64 hexadecimal digits made of everything that changes the bytes.'),
  object: z.literal('mesh'),
  status: z.enum(['queued', 'in_progress', 'completed', 'failed', 'cancelled']),
  progress: z.number().min(0).max(1).describe('Share of the work that is done.'),
  stage: z.enum(stages).nullable().describe('The stage that has begun, while the mesh is being made.'),
  created_at: Seconds,
  completed_at: Seconds.nullable(),
  expires_at: Seconds.nullable().describe('When it is forgotten; null for one that is kept until it is evicted.'),
  model: z.string().describe('`name@version`.'),
  output_format: OutputFormat,
  asset: z
    .object({
      url: z.string().describe('Where the bytes are, with no key; of a private mesh a URL that expires.'),
      sha256: Sha256,
      bytes: z.number().int(),
      media_type: z.string(),
      vertices: z.number().int(),
      faces: z.number().int().describe('Triangles.'),
      bounds: z.tuple([Vector3, Vector3]).describe(`Least and greatest corner: ${formatUnits}.`),
      watertight: z.boolean(),
    })
    .nullable()
    .describe('Null until the mesh is completed.'),
  thumbnail_url: z.string().nullable(),
  source: z
    .object({ prompt: z.literal(true), model: z.string(), image_sha256: Sha256 })
    .nullable()
    .default(null)
    .describe("Of a mesh that was asked for in words: the model that made its picture, and the picture's digest."),
  provider: Provider.nullable().describe('What ran the model.'),
  degraded: z.boolean().describe('The provider that was asked for was not there; such a mesh expires in ten minutes.'),
  timings_ms: Timings.nullable().describe('Wall time of each stage at the origin, in milliseconds.'),
  cache: z
    .object({
      status: z.enum(['hit', 'miss', 'joined']).describe('`joined`: somebody else had asked for it a moment before.'),
      tier: z.enum(manifestTiers).nullable().describe('Where a hit was found.'),
      age_s: z.number().describe('Seconds since it was made.'),
      saved_gpu_ms: z.number().describe('Time of the accelerator, or of the CPU in its place, that this hit saved.'),
      reused: z.literal('geometry').nullable().describe('`geometry`: encoded from the surface of an earlier mesh.'),
    })
    .describe('What the cache did for this request.'),
  error: z
    .object({ code: z.string(), message: z.string() })
    .nullable()
    .describe(
      'Why a mesh `failed`: `mesh_failed`, `model_failed`, `upstream_failed`, or a code that an error answer has too.',
    ),
  metadata: z.record(z.string(), z.string()).describe('What you gave with your request; no other tenant sees it.'),
});
export type MeshObject = z.infer<typeof MeshObject>;
