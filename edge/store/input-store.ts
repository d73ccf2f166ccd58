import { listPage, type Page } from './page.ts';

/** An input younger than this is still there when the last attempt of a new flight needs it; the sweep is at 24 h. */
const freshMs = 12 * 3600 * 1000;

/** The pictures of misses, in R2 under `inputs/<sha256>` until they are swept. */
export class InputStore {
  readonly #r2: R2Bucket;

  constructor(r2: R2Bucket) {
    this.#r2 = r2;
  }

  /** Keeps a picture; one that is there and young is left alone, since R2 takes one write a second for a name. */
  async put(input: { sha256: string; bytes: Uint8Array<ArrayBuffer>; mediaType: string }): Promise<void> {
    if (await this.#isFresh(input.sha256)) return;
    try {
      const httpMetadata = { contentType: input.mediaType };
      await this.#r2.put(inputKey(input.sha256), input.bytes, { sha256: input.sha256, httpMetadata });
    } catch (error) {
      // Of many first requests at once, R2 may refuse all but one.
      if (!(await this.#isFresh(input.sha256))) throw error;
    }
  }

  /**
   * Makes sure that a picture which was sent before stays for a new flight, and tells its length in bytes; null when it
   * is not there any more.
   */
  async renew(sha256: string): Promise<number | null> {
    const head = await this.#r2.head(inputKey(sha256));
    if (head === null || isFresh(head)) return head && head.size;
    const object = await this.#r2.get(inputKey(sha256));
    if (object === null) return null;
    const mediaType = object.httpMetadata?.contentType ?? 'application/octet-stream';
    await this.put({ sha256, bytes: new Uint8Array(await object.arrayBuffer()), mediaType });
    return object.size;
  }

  /** The picture as a stream, null when it is not there any more. */
  async read(sha256: string): Promise<ReadableStream<Uint8Array> | null> {
    const object = await this.#r2.get(inputKey(sha256));
    return object === null ? null : object.body;
  }

  async remove(digests: readonly string[]): Promise<void> {
    if (digests.length > 0) await this.#r2.delete(digests.map(inputKey));
  }

  /** A page of the pictures, by their digests. */
  page(from: { after: string | null; max: number }): Promise<Page> {
    return listPage(this.#r2, inputKey(''), from);
  }

  async #isFresh(sha256: string): Promise<boolean> {
    const head = await this.#r2.head(inputKey(sha256));
    return head !== null && isFresh(head);
  }
}

function isFresh({ uploaded }: R2Object): boolean {
  return Date.now() - uploaded.getTime() < freshMs;
}

/** Where a picture lies in R2. */
function inputKey(sha256: string): string {
  return `inputs/${sha256}`;
}
