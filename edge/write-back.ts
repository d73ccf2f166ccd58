import type { JobResult } from '../contract/job.ts';
import type { MeshManifest } from '../contract/mesh.ts';
import { Problem } from '../contract/problem.ts';
import { headBlob } from './cache/blobs.ts';
import type { Manifests } from './cache/manifests.ts';
import { flightOf } from './objects/flight-calls.ts';
import type { Flight } from './objects/flight.ts';
import type { JobDraft } from './objects/flight-record.ts';

export type WriteBackOptions = { manifests: Manifests; r2: R2Bucket; flights: DurableObjectNamespace<Flight> };

/**
 * Takes the result of a job: the manifest into R2, then into its copies, then to all who wait. A repeat changes
 * nothing. Throws the Problems `mesh_withdrawn` when nobody waits for it, `invalid_request` when it is another job's,
 * and `precondition_failed` when a blob that it names is not stored.
 */
export async function takeResult(key: string, result: JobResult, options: WriteBackOptions): Promise<void> {
  const flight = flightOf(options.flights, key);
  const job = await flight.openJob();
  if (job === null) {
    if ((await options.manifests.read(key)) !== null) return;
    throw new Problem('mesh_withdrawn', 'Nobody waits for this mesh.');
  }
  if (result.outcome === 'failed') {
    await flight.fail({ fence: result.fence, failure: result.failure });
    return;
  }
  const { manifest } = result;
  refuseOtherJob(manifest, job);
  await requireBlobs(manifest, options.r2);
  const canonical = await options.manifests.create(manifest);
  await flight.finish(canonical.manifest);
}

function refuseOtherJob(manifest: MeshManifest, job: JobDraft): void {
  const same =
    manifest.key === job.key &&
    manifest.model === job.model.id &&
    manifest.modelDigest === job.model.digest &&
    manifest.imageSha256 === job.imageSha256 &&
    manifest.outputFormat === job.params.output_format;
  if (!same) throw new Problem('invalid_request', 'The manifest is not of the job that has this key.');
}

async function requireBlobs({ asset, thumbnail }: MeshManifest, r2: R2Bucket): Promise<void> {
  for (const blob of thumbnail === null ? [asset] : [asset, thumbnail]) {
    const stored = await headBlob({ r2, sha256: blob.sha256 });
    if (stored === null || stored.bytes !== blob.bytes || stored.mediaType !== blob.mediaType) {
      throw new Problem('precondition_failed', `The blob ${blob.sha256} is not stored as the manifest has it.`);
    }
  }
}
