import { bytesOfBase64 } from '../../contract/base64.ts';
import type { JobResult } from '../../contract/job.ts';
import type { Blob, MeshManifest } from '../../contract/mesh.ts';
import { Problem } from '../../contract/problem.ts';
import { isAssetMediaType } from '../cache/asset.ts';
import { blobKey, headBlob, putBlob, removePrivateBlobs } from '../cache/blobs.ts';
import { blobsOf, removeEntry } from '../cache/index-entries.ts';
import { afterAnswerMs, type Manifests } from '../cache/manifests.ts';
import { unlessTakenDown } from '../cache/takedowns.ts';
import { removeUnusedBlob } from '../cache/unused-blob.ts';
import { sharedScope } from '../env.ts';
import type { MeshIndex } from '../index/mesh-index.ts';
import { ownerOf } from '../meshes/mesh-owner.ts';
import { flightOf, type FlightCalls } from '../objects/flight-calls.ts';
import type { Flight } from '../objects/flight.ts';
import type { JobDraft } from '../objects/flight-record.ts';

export type WriteBackOptions = {
  manifests: Manifests;
  index: MeshIndex;
  r2: R2Bucket;
  flights: DurableObjectNamespace<Flight>;
};

type CompletedResult = Extract<JobResult, { outcome: 'completed' }>;

/**
 * Takes the result of a job: the manifest into R2, then into its copies, to all who wait and into the index. A repeat
 * changes nothing. Says which it was. Throws the Problems `mesh_withdrawn` when nobody waits for it, `taken_down` when
 * its picture or bytes were, `invalid_request` when it is another job's, `invalid_parameter` and `digest_mismatch` when
 * its thumbnail is not the one that it names, and `precondition_failed` when a blob that it names is not stored.
 */
export async function takeResult(
  key: string,
  result: JobResult,
  options: WriteBackOptions,
): Promise<'stored' | 'failed' | 'repeat'> {
  const flight = flightOf(options.flights, key);
  const open = await flight.openJob();
  if (open === null) {
    const stored = await options.manifests.readTruth(key);
    if (stored === null) throw await withdrawn(key, result, options);
    // The call before may have broken off as it was about to do so.
    await enter(stored.manifest, options);
    return 'repeat';
  }
  if (result.outcome === 'failed') {
    await flight.fail({ fence: result.fence, failure: result.failure });
    return 'failed';
  }
  const { job, replaces } = open;
  refuseOtherJob(result.manifest, job);
  const isPrivate = job.scope !== sharedScope;
  // The edge alone says whose a mesh is.
  const { owner: _, ...unowned } = result.manifest;
  const manifest = isPrivate ? { ...unowned, owner: await ownerOf(key, job.scope) } : unowned;
  const place = { r2: options.r2, privateTo: isPrivate ? key : undefined };
  const carried = carriedBlob(result);
  const [missing] = await Promise.all([
    missingBlob(
      blobsOf(manifest).filter((blob) => blob !== carried?.blob),
      place,
    ),
    // What was taken down is not stored either, and says so first.
    announce(manifest, { flight, fence: result.fence, manifests: options.manifests }),
    carried && putBlob({ ...carried.blob, ...place, body: carried.bytes }).catch(unlessTakenDown(null)),
  ]);
  if (missing !== null) throw notStored(missing);
  const canonical = await options.manifests.replace(manifest, replaces);
  // Whoever removed a blob before this mesh was in the index took it for one that no mesh has.
  const lost = await missingBlob(blobsOf(canonical.manifest), place);
  if (lost !== null) {
    await options.manifests.remove(key);
    throw notStored(lost);
  }
  if ((await flight.finish(canonical.manifest)) !== 'withdrawn') {
    await scheduler.wait(afterAnswerMs);
    await enter(canonical.manifest, options);
    return 'stored';
  }
  // Its tenant, or a purge, took it away between the look at the flight and its end.
  await options.manifests.remove(key);
  throw await withdrawn(key, result, options);
}

/** What nobody but the origin waits for, which sends its surfaces then. */
async function enter(manifest: MeshManifest, { manifests, index }: WriteBackOptions): Promise<void> {
  await manifests.nameSurfaces(manifest);
  await index.add(manifest);
}

/** Nobody waits for this mesh, so what its origin has sent of it goes too, but for bytes that another mesh has. */
async function withdrawn(key: string, result: JobResult, { r2, manifests }: WriteBackOptions): Promise<Problem> {
  await removePrivateBlobs(r2, key);
  for (const { sha256 } of result.outcome === 'completed' ? blobsOf(result.manifest) : []) {
    // Its own entry is of a call that ended before the manifest was stored.
    await removeEntry(r2, { by: 'blob', value: sha256, key });
    await removeUnusedBlob({ sha256 }, { r2, manifests, remove: () => r2.delete(blobKey({ sha256 })) });
  }
  return new Problem('mesh_withdrawn', 'Nobody waits for this mesh.');
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

/** A mesh whose picture or bytes were taken down ends its flight, which would else be given to another origin. */
async function announce(
  manifest: MeshManifest,
  { flight, fence, manifests }: { flight: FlightCalls; fence: number; manifests: Manifests },
): Promise<void> {
  try {
    await manifests.announce(manifest);
  } catch (error) {
    if (error instanceof Problem && error.code === 'taken_down') {
      await flight.fail({ fence, failure: { code: error.code, message: error.message } });
    }
    throw error;
  }
}

/** The thumbnail that a result carries; throws the Problem that says what is wrong with it. */
function carriedBlob({ manifest, thumbnail }: CompletedResult): { blob: Blob; bytes: Uint8Array<ArrayBuffer> } | null {
  if (thumbnail === undefined) return null;
  const blob = manifest.thumbnail;
  if (blob === null) {
    throw new Problem('invalid_parameter', 'The manifest names no thumbnail.', { param: 'thumbnail' });
  }
  if (!isAssetMediaType(blob.mediaType)) {
    const param = 'manifest.thumbnail.mediaType';
    throw new Problem('invalid_parameter', 'A thumbnail has the media type of one.', { param });
  }
  return { blob, bytes: bytesOfBase64(thumbnail) };
}

/** The first of a mesh's blobs that is not stored as its manifest has it, or null. */
async function missingBlob(
  blobs: readonly Blob[],
  place: { r2: R2Bucket; privateTo: string | undefined },
): Promise<Blob | null> {
  const stored = await Promise.all(blobs.map(({ sha256 }) => headBlob({ sha256, ...place })));
  const isMissing = ({ bytes, mediaType }: Blob, i: number) =>
    stored[i]?.bytes !== bytes || stored[i].mediaType !== mediaType;
  return blobs.find(isMissing) ?? null;
}

function notStored({ sha256 }: Blob): Problem {
  return new Problem('precondition_failed', `The blob ${sha256} is not stored as the manifest has it.`);
}
