import type { Job, JobFailure } from '../../contract/job.ts';
import type { Timings } from '../../contract/mesh.ts';
import type { MadeFile } from '../pipeline/made-file.ts';
import type { MadeMesh } from '../making/make-mesh.ts';
import type { Outcome } from '../write-back/outcome.ts';
import type { Shipment, ShippedFile } from '../write-back/shipment.ts';
import type { Drawn } from '../making/job-image.ts';

/** Life of a result that was made by another provider than the one asked for. */
const degradedSeconds = 600;

/** The result of a job, with the files that it names. */
export type Finished = Pick<Shipment, 'result' | 'files'>;

/** The result of a job that failed for good. */
export function failedResult(job: Job, failure: JobFailure): Finished {
  return { result: { outcome: 'failed', fence: job.fence, failure }, files: [] };
}

/** A job's mesh, the upload of its file (null: none has begun), and the picture of its prompt (null: it has no prompt). */
type Made = { made: MadeMesh; upload: Promise<Outcome> | null; drawn: Drawn | null };

/** The result of a job whose mesh was made, from its times in milliseconds since the epoch. */
export function completedResult(job: Job, { made, upload, drawn }: Made, times: Times): Finished {
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
  return {
    result: { outcome: 'completed', fence: job.fence, manifest },
    files: [shippedFile(made.asset, upload), shippedFile(made.thumbnail, null)],
  };
}

function shippedFile({ sha256, mediaType, bytes }: MadeFile, upload: Promise<Outcome> | null): ShippedFile {
  return { sha256, mediaType, bytes: bytes.byteLength, content: bytes, upload };
}

type Times = { acceptedAtMs: number; startedAtMs: number; finishedAtMs: number };

function timings({ made: { stagesMs }, drawn }: Pick<Made, 'made' | 'drawn'>, times: Times): Timings {
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
