import { z } from 'zod';
import { base64Length } from './base64.ts';
import { Sha256 } from './digest.ts';
import { MeshParams, contractVersion, pipelineVersion } from './key.ts';
import { StoredBlob, MeshManifest, stages } from './mesh.ts';
import { TextToImageModel } from './model.ts';
import { Trace } from './trace.ts';

/** A flight that nobody finished has failed after this time in milliseconds, and its job is of no use to anybody. */
export const flightLifeMsMax = 6 * 3600 * 1000;

/**
 * One miss, as the edge hands it to an origin: the text of the job header of a signed `POST /jobs`, whose body is the
 * image, or the prompt input of a mesh that is asked for in words. The origin answers 202 when it took the job (also
 * when it has it already), else a Problem.
 */
export const Job = z.strictObject({
  contract: z.literal(contractVersion),
  pipeline: z.literal(pipelineVersion),
  key: Sha256,
  /** Grows with each dispatch of a key; a result carries the fence of the job that made it. */
  fence: z.number().int().nonnegative(),
  /** `name@version`, and the digest of the manifest that the key was made with. */
  model: z.strictObject({ id: z.string(), digest: Sha256 }),
  params: MeshParams,
  /** Digest and length of the body. */
  imageSha256: Sha256,
  imageBytes: z.number().int().positive(),
  /** Of a prompt alone: the model that is to make its picture. */
  textToImageModel: TextToImageModel.optional(),
  /** `shared`, or the tenant whose private result this is. */
  scope: z.string(),
  /** Opaque name of who asked first: what the queue is fair between. */
  tenant: z.string(),
  priority: z.enum(['interactive', 'batch']),
  /** Of the request that began the flight. */
  trace: Trace.optional(),
  /** Life of the result in seconds, null for as long as it is kept. */
  expiresInSeconds: z.number().int().positive().nullable(),
});
export type Job = z.infer<typeof Job>;

/** Codes of a failure that the same input meets anywhere, and so may be remembered. */
const inputFailures = ['unprocessable_image', 'invalid_image', 'image_too_many_pixels', 'prompt_refused'] as const;

/** Why a job failed for good. */
export const JobFailure = z.strictObject({
  code: z.enum([...inputFailures, 'model_failed', 'upstream_failed', 'internal_error']),
  message: z.string().max(500),
});
export type JobFailure = z.infer<typeof JobFailure>;

/** True when the same picture or prompt would fail anywhere. */
export function isInputFailure({ code }: { code: string }): boolean {
  return inputFailures.some((failure) => failure === code);
}

/** The largest thumbnail, in bytes, that comes with its result: a call of its own would take longer than it does. */
export const carriedThumbnailBytesMax = 32 * 1024;

/** Body of `PUT {edge}/origin/results/{key}`, sent when the blobs that it names are stored, but for one that it carries. */
export const JobResult = z.discriminatedUnion('outcome', [
  z.strictObject({
    outcome: z.literal('completed'),
    fence: z.number().int(),
    manifest: MeshManifest,
    /** The bytes of the thumbnail that the manifest names, where no call before brought them. */
    thumbnail: z.base64().min(1).max(base64Length(carriedThumbnailBytesMax)).optional(),
  }),
  z.strictObject({ outcome: z.literal('failed'), fence: z.number().int(), failure: JobFailure }),
]);
export type JobResult = z.infer<typeof JobResult>;

/** Body of `POST {edge}/origin/progress/{key}`: the stage that has begun and the share of the work that is done. */
export const JobProgress = z.strictObject({
  fence: z.number().int(),
  stage: z.enum(stages),
  progress: z.number().min(0).max(1),
});
export type JobProgress = z.infer<typeof JobProgress>;

/** Body of `POST {edge}/origin/returns/{key}`: an origin that is going to end offers a job back. */
export const JobReturn = z.strictObject({ fence: z.number().int() });
export type JobReturn = z.infer<typeof JobReturn>;

/** Its answer: `taken` when another origin gets the job, so that this one must forget it; else it keeps it. */
export const JobReturned = z.strictObject({ taken: z.boolean() });
export type JobReturned = z.infer<typeof JobReturned>;

/** Answer of `PUT {edge}/origin/blobs/{sha256}`; a repeat is `stored: false` and changes nothing. */
export const BlobReceipt = z.strictObject({ sha256: StoredBlob.shape.sha256, stored: z.boolean() });
export type BlobReceipt = z.infer<typeof BlobReceipt>;
