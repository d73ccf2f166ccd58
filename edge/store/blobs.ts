import { Problem } from '../../contract/problem.ts';
import { listPage, type Page } from './page.ts';
import type { Takedowns } from './takedowns.ts';

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
  /** Length that the sender declared; R2 refuses a stream of unknown length. */
  bytes: number;
  mediaType: string;
  body: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer>;
  /** What must have ended before anything is stored, a look at what was taken down among it; that look, if not given. */
  allowed?: Promise<void>;
};

/** Bytes of meshes and thumbnails, each under its digest. */
export class Blobs {
  readonly #r2: R2Bucket;
  readonly #takedowns: Takedowns;

  constructor(r2: R2Bucket, takedowns: Takedowns) {
    this.#r2 = r2;
    this.#takedowns = takedowns;
  }

  /**
   * Puts a blob into R2, once: a repeat is `stored: false` and changes nothing. Throws the Problem `digest_mismatch`
   * when the bytes are not those of the digest, or not of the declared length, and
   * `taken_down` when the digest was taken down; then nothing is stored.
   * The body of a repeat is left unread and not cancelled: cancelling would break the connection before the answer.
   */
  async put(blob: NewBlob): Promise<{ stored: boolean }> {
    const { body, allowed = this.#takedowns.refuse([blob.sha256]) } = blob;
    if (body instanceof Uint8Array) return allowed.then(() => this.#create(blob, body));
    const [present] = await Promise.all([this.#r2.head(blobKey(blob)), allowed]);
    if (present !== null) return { stored: false };
    const { readable, writable } = new FixedLengthStream(blob.bytes);
    const stop = new AbortController();
    const pipeError = body.pipeTo(writable, { signal: stop.signal }).then(
      () => null,
      (error: unknown) => error,
    );
    try {
      return await this.#create(blob, readable);
    } finally {
      stop.abort();
      await pipeError;
    }
  }

  async #create(
    { sha256, bytes, mediaType, ...place }: NewBlob,
    body: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer>,
  ): Promise<{ stored: boolean }> {
    try {
      const object = await this.#r2.put(blobKey({ sha256, ...place }), body, {
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

  /** Size and media type of a stored blob, or null. */
  async head(blob: BlobPlace): Promise<{ bytes: number; mediaType: string } | null> {
    const object = await this.#r2.head(blobKey(blob));
    return object && { bytes: object.size, mediaType: object.httpMetadata?.contentType ?? 'application/octet-stream' };
  }

  /** A stored blob, whole or a part; null where there is none. Its body is to be read or cancelled. */
  open(blob: BlobPlace, range?: { offset: number; length: number }): Promise<R2ObjectBody | null> {
    return this.#r2.get(blobKey(blob), range && { range });
  }

  async remove(blob: BlobPlace): Promise<void> {
    await this.#r2.delete(blobKey(blob));
  }

  /** Removes every blob of a private mesh; their digests. */
  async removePrivate(meshKey: string): Promise<string[]> {
    const prefix = blobKey({ sha256: '', privateTo: meshKey });
    const { objects } = await this.#r2.list({ prefix });
    const names = objects.map((object) => object.key);
    if (names.length > 0) await this.#r2.delete(names);
    return names.map((name) => name.slice(prefix.length));
  }

  /** A page of the shared blobs, by their digests, or of the private ones, by `<mesh key>/<sha256>`. */
  page(kind: 'blobs' | 'private', from: { after: string | null; max: number }): Promise<Page> {
    return listPage(this.#r2, `${kind}/`, from);
  }
}

/** The blob of a private mesh that a page names. */
export function privateBlob(name: string): BlobPlace {
  const [privateTo = '', sha256 = ''] = name.split('/');
  return { sha256, privateTo };
}

/** R2's error 10037: the checksum that was given did not match what was received. */
function isChecksumError(error: unknown): boolean {
  return error instanceof Error && error.message.includes('(10037)');
}

function isLengthError(error: unknown): boolean {
  return error instanceof TypeError && error.message.includes('FixedLengthStream');
}
