import { Problem } from '../../contract/problem.ts';
import { refuseTakenDown } from './takedowns.ts';

/**
 * Which blob: `privateTo` is the request key of the private mesh that it belongs to. A shared blob has none, and any
 * mesh with the same bytes may use it.
 */
export type BlobPlace = { sha256: string; privateTo?: string | undefined };

/** Where a blob lies in R2. */
export function blobKey({ sha256, privateTo }: BlobPlace): string {
  return privateTo === undefined ? `blobs/${sha256}` : `private/${privateTo}/${sha256}`;
}

export type NewBlob = BlobPlace & {
  r2: R2Bucket;
  /** Length that the sender declared; R2 refuses a stream of unknown length. */
  bytes: number;
  mediaType: string;
  body: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer>;
  /** What must have ended before anything is stored, a look at what was taken down among it; that look, if not given. */
  allowed?: Promise<void>;
};

/**
 * Puts a blob into R2, once: a repeat is `stored: false` and changes nothing. Throws the Problem `digest_mismatch`
 * when the bytes are not those of the digest, or not of the declared length, and
 * `taken_down` when the digest was taken down; then nothing is stored.
 * The body of a repeat is left unread and not cancelled: cancelling would break the connection before the answer.
 */
export async function putBlob(blob: NewBlob): Promise<{ stored: boolean }> {
  const { body, allowed = refuseTakenDown(blob.r2, [blob.sha256]) } = blob;
  if (body instanceof Uint8Array) return allowed.then(() => create(blob, body));
  const [present] = await Promise.all([blob.r2.head(blobKey(blob)), allowed]);
  if (present !== null) return { stored: false };
  const { readable, writable } = new FixedLengthStream(blob.bytes);
  const stop = new AbortController();
  const pipeError = body.pipeTo(writable, { signal: stop.signal }).then(
    () => null,
    (error: unknown) => error,
  );
  try {
    return await create(blob, readable);
  } finally {
    stop.abort();
    await pipeError;
  }
}

async function create(
  { r2, sha256, bytes, mediaType, ...place }: NewBlob,
  body: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer>,
): Promise<{ stored: boolean }> {
  try {
    const object = await r2.put(blobKey({ sha256, ...place }), body, {
      sha256,
      httpMetadata: { contentType: mediaType },
      // Of racing writers one wins; the others get null, perhaps before their body was read.
      onlyIf: { etagDoesNotMatch: '*' },
    });
    return { stored: object !== null };
  } catch (cause) {
    if (!isChecksumError(cause) && !isLengthError(cause)) throw cause;
    throw new Problem('digest_mismatch', `The body is not the ${bytes} bytes with SHA-256 ${sha256}.`, { cause });
  }
}

/** Removes every blob of a private mesh; their digests. */
export async function removePrivateBlobs(r2: R2Bucket, meshKey: string): Promise<string[]> {
  const prefix = blobKey({ sha256: '', privateTo: meshKey });
  const { objects } = await r2.list({ prefix });
  const names = objects.map((object) => object.key);
  if (names.length > 0) await r2.delete(names);
  return names.map((name) => name.slice(prefix.length));
}

/** Size and media type of a stored blob, or null. */
export async function headBlob(
  blob: BlobPlace & { r2: R2Bucket },
): Promise<{ bytes: number; mediaType: string } | null> {
  const object = await blob.r2.head(blobKey(blob));
  return object && { bytes: object.size, mediaType: object.httpMetadata?.contentType ?? 'application/octet-stream' };
}

/** R2's error 10037: the checksum that was given did not match what was received. */
function isChecksumError(error: unknown): boolean {
  return error instanceof Error && error.message.includes('(10037)');
}

function isLengthError(error: unknown): boolean {
  return error instanceof TypeError && error.message.includes('FixedLengthStream');
}
