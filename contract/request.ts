import { z } from 'zod';
import { Sha256 } from './digest.ts';

/** Limits of an image, by the way it comes in. */
export const imageLimits = {
  fileBytesMax: 20 * 1024 * 1024,
  dataUrlBytesMax: 8 * 1024 * 1024,
  pixelsMax: 40_000_000,
} as const;

/** Media type and file ending of each output format. */
export const outputFormats = {
  glb: { mediaType: 'model/gltf-binary', extension: 'glb' },
  obj: { mediaType: 'application/zip', extension: 'zip' },
  stl: { mediaType: 'model/stl', extension: 'stl' },
  ply: { mediaType: 'application/x-ply', extension: 'ply' },
} as const;

export const OutputFormat = z.enum(['glb', 'obj', 'stl', 'ply']);
export type OutputFormat = z.infer<typeof OutputFormat>;

const metadataPairsMax = 16;
const metadataNameCharactersMax = 64;
const metadataValueCharactersMax = 512;
const cacheTagsMax = 8;
const cacheTagCharactersMax = 64;

const Metadata = z
  .record(z.string().min(1).max(metadataNameCharactersMax), z.string().max(metadataValueCharactersMax))
  .refine((pairs) => Object.keys(pairs).length <= metadataPairsMax, `at most ${metadataPairsMax} pairs`);

const Cache = z.strictObject({
  mode: z.enum(['default', 'refresh', 'no_store', 'only_if_cached']).default('default'),
  scope: z.enum(['shared', 'private']).optional(),
  tags: z.array(z.string().min(1).max(cacheTagCharactersMax)).max(cacheTagsMax).default([]),
});

const promptCharactersMax = 4000;

/** What to make, in words. */
export const Prompt = z
  .string()
  .max(promptCharactersMax)
  .regex(/\S/, 'must say something')
  .refine((text) => text.isWellFormed(), 'must be well-formed Unicode');

/** How long a POST may be held by `Prefer: wait`, in seconds. */
export const preferWaitSecondsMax = 60;

/**
 * The body of `POST /v1/meshes`, less its picture: `image` stays what the client wrote (a data URL, an https URL or a
 * digest), or is absent when the file came in a form. Numbers carry their units in the public API's documentation.
 */
export const MeshRequest = z
  .strictObject({
    image: z.union([z.string(), z.strictObject({ sha256: Sha256 })]).optional(),
    prompt: Prompt.optional(),
    model: z.string().min(1).max(128).default('default'),
    output_format: OutputFormat.default('glb'),
    seed: z
      .number()
      .int()
      .min(0)
      .max(2 ** 32 - 1)
      .nullable()
      .default(0),
    remove_background: z.union([z.literal('auto'), z.boolean()]).default('auto'),
    foreground_ratio: z.number().min(0.5).max(1).default(0.85),
    mc_resolution: z.number().int().min(32).max(512).optional(),
    texture: z.boolean().default(true),
    texture_resolution: z.literal([256, 512, 1024, 2048]).default(1024),
    target_face_count: z.number().int().min(100).max(300_000).nullable().default(null),
    compression: z.enum(['none', 'quantize', 'meshopt', 'draco']).default('none'),
    largest_dimension_mm: z.number().min(1).max(1000).default(100),
    cache: Cache.default({ mode: 'default', tags: [] }),
    priority: z.enum(['interactive', 'batch']).default('interactive'),
    metadata: Metadata.default({}),
    webhook_url: z.url().optional(),
  })
  .refine((request) => request.compression === 'none' || request.output_format === 'glb', {
    path: ['compression'],
    message: 'compression applies to output_format "glb" only',
  });
export type MeshRequest = z.infer<typeof MeshRequest>;
export type MeshRequestInput = z.input<typeof MeshRequest>;
