import { Problem } from '../../contract/problem.ts';
import { listPage, type Page } from './page.ts';

/** A surface on its way to or from R2; it is proved by `sha256`. */
export type Surface = { sha256: string; bytes: number; body: ReadableStream<Uint8Array> };

/** Surfaces before encoding, in R2 under `geometry/<geometry key>`: what saves the next format its GPU run. */
export class Surfaces {
  readonly #r2: R2Bucket;

  constructor(r2: R2Bucket) {
    this.#r2 = r2;
  }

  /** The surface of this key, with the digest that it was stored by, or null; its body is to be read or cancelled. */
  async read(key: string): Promise<(Omit<Surface, 'sha256'> & { sha256: string | null }) | null> {
    const object = await this.#r2.get(surfaceKey(key));
    if (object === null) return null;
    return { sha256: object.checksums.toJSON().sha256 ?? null, bytes: object.size, body: object.body };
  }

  /** Bytes of a stored surface, or null. */
  async bytesOf(key: string): Promise<number | null> {
    return (await this.#r2.head(surfaceKey(key)))?.size ?? null;
  }

  /** Keeps a surface unless the key has one; throws the Problem `digest_mismatch`, and then nothing is stored. */
  async put(key: string, { sha256, bytes, body }: Surface): Promise<{ stored: boolean }> {
    const { readable, writable } = new FixedLengthStream(bytes);
    const ended = new AbortController();
    const piped = body.pipeTo(writable, { signal: ended.signal }).catch(() => undefined);
    try {
      const object = await this.#r2.put(surfaceKey(key), readable, {
        /* defence: API10-5 */ sha256,
        onlyIf: { etagDoesNotMatch: '*' },
      });
      return { stored: object !== null };
    } catch (cause) {
      throw new Problem('digest_mismatch', 'The body is not the one that is signed.', { cause });
    } finally {
      ended.abort();
      await piped;
    }
  }

  async remove(keys: readonly string[]): Promise<void> {
    if (keys.length > 0) await this.#r2.delete(keys.map(surfaceKey));
  }

  /** A page of the surfaces, by their geometry keys. */
  page(from: { after: string | null; max: number }): Promise<Page> {
    return listPage(this.#r2, surfaceKey(''), from);
  }
}

function surfaceKey(key: string): string {
  return `geometry/${key}`;
}
