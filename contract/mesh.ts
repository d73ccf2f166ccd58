import { z } from 'zod';
import { Sha256 } from './digest.ts';
import { TextToImageModel } from './model.ts';
import { OutputFormat } from './request.ts';

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

export const Provider = z.enum(['cpu', 'cuda', 'webgpu']);
export type Provider = z.infer<typeof Provider>;

const Vector3 = z.tuple([z.number(), z.number(), z.number()]);

/** Bytes that were written back, by their digest. */
export const Blob = z.strictObject({
  sha256: Sha256,
  bytes: z.number().int().positive(),
  mediaType: z.string().max(100),
  extension: z.enum(['glb', 'zip', 'stl', 'ply', 'webp', 'png']),
});
export type Blob = z.infer<typeof Blob>;

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
  asset: Blob.extend({
    vertices: z.number().int().positive(),
    faces: z.number().int().positive(),
    /** Least and greatest corner, in metres for glTF and millimetres for the other formats. */
    bounds: z.tuple([Vector3, Vector3]),
    watertight: z.boolean(),
  }),
  thumbnail: Blob.nullable(),
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

/** Where a completed mesh came from. */
export type CacheOutcome =
  | { status: 'hit'; tier: 'memory' | 'kv' | 'r2'; age_s: number; saved_gpu_ms: number; reused: 'geometry' | null }
  | { status: 'miss' | 'joined'; tier: null; age_s: 0; saved_gpu_ms: 0; reused: 'geometry' | null };

/** The public mesh object of the API; see docs/api.md for each field. */
export const MeshObject = z.object({
  id: z.string(),
  object: z.literal('mesh'),
  status: z.enum(['queued', 'in_progress', 'completed', 'failed', 'cancelled']),
  /** Share of the stages that is done, 0 to 1. */
  progress: z.number().min(0).max(1),
  created_at: z.number().int(),
  completed_at: z.number().int().nullable(),
  expires_at: z.number().int().nullable(),
  model: z.string(),
  output_format: OutputFormat,
  asset: z
    .object({
      url: z.string(),
      sha256: Sha256,
      bytes: z.number().int(),
      media_type: z.string(),
      vertices: z.number().int(),
      faces: z.number().int(),
      bounds: z.tuple([Vector3, Vector3]),
      watertight: z.boolean(),
    })
    .nullable(),
  thumbnail_url: z.string().nullable(),
  /** Of a mesh that was asked for in words: the model that made its picture, and the picture's digest; else null. */
  source: z
    .object({ prompt: z.literal(true), model: z.string(), image_sha256: Sha256 })
    .nullable()
    .default(null),
  provider: Provider.nullable(),
  degraded: z.boolean(),
  timings_ms: Timings.nullable(),
  cache: z.object({
    status: z.enum(['hit', 'miss', 'joined']),
    tier: z.enum(['memory', 'kv', 'r2']).nullable(),
    age_s: z.number(),
    saved_gpu_ms: z.number(),
    reused: z.literal('geometry').nullable(),
  }),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  metadata: z.record(z.string(), z.string()),
});
export type MeshObject = z.infer<typeof MeshObject>;
