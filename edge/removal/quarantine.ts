import { hex } from '../../contract/digest.ts';
import { blobKey, type BlobPlace } from '../store/blobs.ts';
import { indexedKeys } from '../store/index-entries.ts';
import type { Manifests } from '../store/manifests.ts';

/** Meshes with one damaged blob that are made again; more than a few cannot have the same bytes. */
const meshesMax = 100;

/**
 * Sets aside a blob that was read with wrong bytes, if a second read says so too: damage on the way is no reason to
 * delete. What was found is noted under `quarantine/<sha256>.json`, and the meshes that have the blob are forgotten, so
 * that the next request makes them again.
 */
export async function quarantine(blob: BlobPlace, { r2, manifests }: QuarantineOptions): Promise<void> {
  const key = blobKey(blob);
  const object = await r2.get(key);
  if (!object) return;
  const digest = new crypto.DigestStream('SHA-256');
  await object.body.pipeTo(digest);
  if (Number(digest.bytesWritten) < object.size) throw new Error(`the stream of ${key} ended early`);
  const foundSha256 = hex(new Uint8Array(await digest.digest));
  if (foundSha256 === blob.sha256) return;
  const note = { blobKey: key, foundSha256, sizeBytes: object.size, etag: object.etag, atMs: Date.now() };
  console.error(JSON.stringify({ event: 'blob_quarantined', ...note }));
  await r2.put(quarantineNote(blob.sha256), JSON.stringify(note));
  const forget = async () => {
    for (const mesh of await meshesWith(blob, r2)) await manifests.remove(mesh);
  };
  await forget();
  await r2.delete(key);
  // One may have been stored meanwhile; one that comes from here on finds by itself that the blob is gone.
  await forget();
}

/** Where the note on a damaged blob lies. */
export function quarantineNote(sha256: string): string {
  return `quarantine/${sha256}.json`;
}

export type QuarantineOptions = { r2: R2Bucket; manifests: Manifests };

async function meshesWith({ sha256, privateTo }: BlobPlace, r2: R2Bucket): Promise<readonly string[]> {
  if (privateTo !== undefined) return [privateTo];
  return (await indexedKeys(r2, { by: 'blob', value: sha256, max: meshesMax })).keys;
}
