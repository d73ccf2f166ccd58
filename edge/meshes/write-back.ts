import type { Flights } from '../flight/calls.ts';
import { bytesOfBase64 } from '../../contract/base64.ts';
import type { JobResult } from '../../contract/job.ts';
import type { StoredBlob, MeshManifest } from '../../contract/mesh.ts';
import { Problem } from '../../contract/problem.ts';
import { isAssetMediaType } from '../store/asset.ts';
import type { Blobs } from '../store/blobs.ts';
import type { Stores } from '../store/stores.ts';
import { blobsOf, digestsOf } from '../store/index-entries.ts';
import { forgetMeshes } from '../removal/forget-mesh.ts';
import { missingBlob, placeOf, removeMesh, removeSent, type MeshStores, type Place } from '../removal/mesh-blobs.ts';
import { isTakenDown, unlessTakenDown } from '../store/takedowns.ts';
import { sharedScope } from '../tenant/tenant-name.ts';
import { ownerOf } from './mesh-owner.ts';
import type { JobDraft } from '../flight/flight-record.ts';

export type WriteBackOptions = MeshStores & Pick<Stores, 'takedowns'> & { flights: Flights };

/** The most GPU time, or time of one stage, that a result may claim for each millisecond since its job was given. */
const claimedMsPerMs = 8;

/** What may be claimed beside that: the clocks of two machines differ. */
const claimedMsSlack = 10_000;

type CompletedResult = Extract<JobResult, { outcome: 'completed' }>;

/**
 * Takes the result that an origin sends of a job: the manifest into R2, then into its copies, to all who wait, and then into the index. A
 * repeat changes nothing. Says which it was. Throws the Problems `mesh_withdrawn` when nobody waits for it, `not_leased`
 * when this origin was never given it, `taken_down` when its picture or bytes were, `invalid_request` when it is another job's, `invalid_parameter` and `digest_mismatch`
 * when its thumbnail is not the one that it names, and `precondition_failed` when a blob that it names is not stored.
 */
export async function takeResult(
  key: string,
  { originId, result }: { originId: string; result: JobResult },
  options: WriteBackOptions,
): Promise<'stored' | 'failed' | 'repeat'> {
  const flight = options.flights.getByName(key);
  const lease = { originId, fence: result.fence };
  const open = await flight.openJob(lease);
  if (open.is === 'not_leased') throw notLeased(key, originId);
  if (open.is === 'gone') {
    const stored = await options.manifests.readTruth(key);
    if (stored === null) throw await withdrawn(key, result, options);
    // The call before may have broken off as it was about to do so.
    await enter(stored.manifest, options);
    return 'repeat';
  }
  if (result.outcome === 'failed') {
    await flight.fail({ lease, failure: result.failure });
    return 'failed';
  }
  const { job, replaces } = open;
  // defence: API10-3
  refuseOtherJob(result.manifest, job);
  // defence: API10-14
  refuseLongTimes(result.manifest, Date.now() - open.givenSinceMs);
  const isPrivate = job.scope !== sharedScope;
  // The edge alone says whose a mesh is.
  // defence: API3-3
  const { owner: _, ...unowned } = result.manifest;
  const manifest = isPrivate ? { ...unowned, owner: await ownerOf(key, job.scope) } : unowned;
  const place = { ...placeOf(manifest), blobs: options.blobs };
  const carried = carriedBlob(result);
  const sentBefore = blobsOf(manifest).filter((blob) => blob !== carried?.blob);
  const allowed = options.takedowns.refuse(digestsOf(manifest));
  const missing = await Promise.all([
    missingBlob(sentBefore, place),
    carried && keepCarried(carried, { place, allowed }),
    // Its flight would else be given to another origin.
    allowed.catch(async (error: unknown) => {
      if (!isTakenDown(error)) throw error;
      const { code, message } = error;
      await flight.fail({ lease, failure: { code, message } });
      throw error;
    }),
  ]);
  for (const blob of missing) if (blob) throw notStored(blob);
  const { manifest: canonical } = await options.manifests.replace(manifest, replaces);
  if ((await flight.finish(canonical)) !== 'withdrawn') {
    await enter(canonical, options);
    return 'stored';
  }
  // Its tenant, or a purge, took it away between the look at the flight and its end.
  await forgetMeshes([key], options);
  throw await withdrawn(key, result, options);
}

/**
 * Makes a stored mesh findable. Its flight has ended, so that only its origin waits for this. A purge or takedown that ran
 * between the manifest and its index entries could not find the mesh, so its blobs are looked up once more, and a mesh
 * that may not stay is removed. Throws the Problems `taken_down` and `precondition_failed`.
 */
async function enter(manifest: MeshManifest, options: WriteBackOptions): Promise<void> {
  const { manifests, blobs, takedowns, index } = options;
  const kept = await manifests.name(manifest);
  if (kept === null) return;
  try {
    const [lost] = await Promise.all([
      missingBlob(blobsOf(kept), { ...placeOf(kept), blobs }),
      takedowns.refuse(digestsOf(kept)),
    ]);
    if (lost !== null) throw notStored(lost);
  } catch (error) {
    if (error instanceof Problem) await removeMesh(kept, options);
    throw error;
  }
  await index.add(kept);
}

/** The refusal of an origin that was never given the job of which it speaks; the operator hears which origin it is. */
export function notLeased(key: string, originId: string): Problem {
  console.warn(JSON.stringify({ event: 'origin_not_leased', originId, key }));
  return new Problem('not_leased', 'This origin was not given this job with this fence.');
}

/** Nobody waits for this mesh, so what its origin has sent of it goes too. */
async function withdrawn(key: string, result: JobResult, options: WriteBackOptions): Promise<Problem> {
  await removeSent(key, result.outcome === 'completed' ? result.manifest : null, options);
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

/** Refuses a manifest by which more time went than there was, since tenants pay for what it says. */
function refuseLongTimes({ gpuMs, timingsMs }: MeshManifest, givenMs: number): void {
  const msMax = claimedMsSlack + claimedMsPerMs * Math.max(0, givenMs);
  const long = Object.entries({ gpuMs, ...timingsMs }).find(([, ms]) => (ms ?? 0) > msMax);
  if (long === undefined) return;
  const param = long[0] === 'gpuMs' ? 'manifest.gpuMs' : `manifest.timingsMs.${long[0]}`;
  throw new Problem('invalid_parameter', 'That is longer than the job has been with this origin.', { param });
}

type Carried = { blob: StoredBlob; bytes: Uint8Array<ArrayBuffer> };

/** The thumbnail that a result carries; throws the Problem that says what is wrong with it. */
function carriedBlob({ manifest, thumbnail }: CompletedResult): Carried | null {
  if (thumbnail === undefined) return null;
  const blob = manifest.thumbnail;
  if (blob === null) {
    throw new Problem('invalid_parameter', 'The manifest names no thumbnail.', { param: 'thumbnail' });
  }
  if (!isAssetMediaType(blob.mediaType)) {
    const param = 'manifest.thumbnail.mediaType';
    throw new Problem('invalid_parameter', 'A thumbnail has the media type of one.', { param });
  }
  const bytes = bytesOfBase64(thumbnail);
  if (bytes.byteLength === blob.bytes) return { blob, bytes };
  const message = `The manifest says ${blob.bytes} bytes, and ${bytes.byteLength} came.`;
  throw new Problem('invalid_parameter', message, { param: 'thumbnail' });
}

/** Stores what a result carries; gives it where the same bytes are stored as something else. */
async function keepCarried(
  { blob, bytes }: Carried,
  { place, allowed }: { place: Place & { blobs: Blobs }; allowed: Promise<void> },
): Promise<StoredBlob | null> {
  const put = place.blobs.put({ ...blob, privateTo: place.privateTo, body: bytes, allowed });
  // What was taken down is not stored either, and says so first.
  const { stored } = await put.catch(unlessTakenDown({ stored: true }));
  return stored ? null : missingBlob([blob], place);
}

function notStored({ sha256 }: StoredBlob): Problem {
  return new Problem('precondition_failed', `The blob ${sha256} is not stored as the manifest has it.`);
}
