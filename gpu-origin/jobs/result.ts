import type { Job, JobFailure, JobResult } from '../../contract/job.ts';
import type { Timings } from '../../contract/mesh.ts';
import type { MadeMesh } from '../pipeline/pipeline.ts';
import type { OutboxEntry } from '../write-back/outbox.ts';
import type { Drawn } from './job-image.ts';

/** Life of a result that was made by another provider than the one asked for. */
const degradedSeconds = 600;

/** What a job came to, with the bytes of its blobs in the same order; `sentAhead` where the edge may have some of them. */
export type Finished = {
  result: JobResult;
  blobs: OutboxEntry['blobs'];
  bytes: Uint8Array[];
  sentAhead: boolean;
};

/** The result of a job that failed for good. */
export function failedResult(job: Job, failure: JobFailure): Finished {
  return { result: { outcome: 'failed', fence: job.fence, failure }, blobs: [], bytes: [], sentAhead: false };
}

/** What came of a job: its mesh, and the picture that its prompt stood for (null for a job that brought its picture). */
type Made = { made: MadeMesh; drawn: Drawn | null };

/** The result of a job whose mesh was made, from its times in milliseconds since the epoch. */
export function completedResult(job: Job, { made, drawn }: Made, times: Times): Omit<Finished, 'sentAhead'> {
  const asset = { ...made.asset, bytes: made.asset.bytes.byteLength };
  const thumbnail = { ...made.thumbnail, bytes: made.thumbnail.bytes.byteLength };
  const completedAtSeconds = Math.floor(times.finishedAtMs / 1000);
  const manifest = {
    key: job.key,
    model: job.model.id,
    modelDigest: job.model.digest,
    imageSha256: job.imageSha256,
    ...(drawn !== null && { source: drawn.source }),
    outputFormat: job.params.output_format,
    createdAtSeconds: Math.floor(times.acceptedAtMs / 1000),
    completedAtSeconds,
    expiresAtSeconds: expiry(completedAtSeconds, job.expiresInSeconds, made.degraded),
    asset,
    thumbnail,
    provider: made.provider,
    degraded: made.degraded,
    timingsMs: timings({ made, drawn }, times),
    gpuMs: tenths(made.gpuMs),
    reused: made.reused,
    ...(made.geometryKey !== null && { geometryKey: made.geometryKey }),
  };
  const blobs = [asset, thumbnail];
  return {
    result: { outcome: 'completed', fence: job.fence, manifest },
    blobs: blobs.map(({ sha256, bytes, mediaType }) => ({ sha256, bytes, mediaType })),
    bytes: [made.asset.bytes, made.thumbnail.bytes],
  };
}

type Times = { acceptedAtMs: number; startedAtMs: number; finishedAtMs: number };

function timings({ made: { stagesMs }, drawn }: Made, times: Times): Timings {
  return {
    // The clock may have been set back while a job lay in the spool.
    queue: Math.max(0, times.startedAtMs - times.acceptedAtMs),
    ...(drawn !== null && { generate: tenths(drawn.ms) }),
    decode: tenths(stagesMs.decode),
    matte: tenths(stagesMs.matte),
    infer: tenths(stagesMs.infer),
    surface: tenths(stagesMs.surface),
    texture: tenths(stagesMs.texture),
    encode: tenths(stagesMs.encode),
    total: Math.max(0, times.finishedAtMs - times.acceptedAtMs),
  };
}

/** Times are given to a tenth of a millisecond: more would claim what was not measured. */
function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}

function expiry(completedAtSeconds: number, lifeSeconds: number | null, degraded: boolean): number | null {
  const life = Math.min(lifeSeconds ?? Infinity, degraded ? degradedSeconds : Infinity);
  return life === Infinity ? null : completedAtSeconds + life;
}
