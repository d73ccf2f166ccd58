import { hex } from '../../contract/digest.ts';
import { blobKey, type BlobPlace } from '../store/blobs.ts';
import type { Entries } from '../store/index-entries.ts';
import type { Stores } from '../store/stores.ts';
import { forgetMeshes, type MeshRecords } from './forget-mesh.ts';

export type QuarantineOptions = Pick<Stores, 'blobs' | 'damageNotes' | 'entries'> & MeshRecords;

/** Meshes with one damaged blob that are made again; more than a few cannot have the same bytes. */
const meshesMax = 100;

/**
 * Sets aside a blob that was read with wrong bytes, if a second read says so too: damage on the way is no reason to
 * delete. What was found is noted under `quarantine/<sha256>.json`, and the meshes that have the blob are forgotten, so
 * that the next request makes them again.
 */
export async function quarantine(blob: BlobPlace, options: QuarantineOptions): Promise<void> {
  const { blobs, damageNotes, entries } = options;
  const object = await blobs.open(blob);
  if (!object) return;
  const digest = new crypto.DigestStream('SHA-256');
  await object.body.pipeTo(digest);
  if (Number(digest.bytesWritten) < object.size) throw new Error(`the stream of ${blobKey(blob)} ended early`);
  const foundSha256 = hex(new Uint8Array(await digest.digest));
  if (foundSha256 === blob.sha256) return;
  const note = { blobKey: blobKey(blob), foundSha256, sizeBytes: object.size, etag: object.etag, atMs: Date.now() };
  console.error(JSON.stringify({ event: 'blob_quarantined', ...note }));
  await damageNotes.write(blob.sha256, note);
  const forget = async () => forgetMeshes(await meshesWith(blob, entries), options);
  await forget();
  await blobs.remove(blob);
  // One may have been stored meanwhile; one that comes from here on finds by itself that the blob is gone.
  await forget();
}

async function meshesWith({ sha256, privateTo }: BlobPlace, entries: Entries): Promise<readonly string[]> {
  if (privateTo !== undefined) return [privateTo];
  return (await entries.keys({ by: 'blob', value: sha256, max: meshesMax })).keys;
}
