import { hex } from '../../contract/digest.ts';

/**
 * Sets aside a blob that was read with wrong bytes, if a second read says so too: damage on the way is no reason to
 * delete. What was found is noted under `quarantine/<sha256>.json`; the blob's key is free for a new run to fill.
 */
export async function quarantine(r2: R2Bucket, blobKey: string): Promise<void> {
  const object = await r2.get(blobKey);
  if (!object) return;
  const sha256 = blobKey.slice(blobKey.lastIndexOf('/') + 1);
  const digest = new crypto.DigestStream('SHA-256');
  await object.body.pipeTo(digest);
  if (Number(digest.bytesWritten) < object.size) throw new Error(`the stream of ${blobKey} ended early`);
  const foundSha256 = hex(new Uint8Array(await digest.digest));
  if (foundSha256 === sha256) return;
  const note = { blobKey, foundSha256, sizeBytes: object.size, etag: object.etag, atMs: Date.now() };
  console.error(JSON.stringify({ event: 'blob_quarantined', ...note }));
  await r2.put(`quarantine/${sha256}.json`, JSON.stringify(note));
  await r2.delete(blobKey);
}
