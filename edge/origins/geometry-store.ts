import { Problem } from '../../contract/problem.ts';
import type { Fleet } from '../objects/fleet.ts';
import { theFleet } from './fleet-view.ts';

/** A surface on its way to or from R2; it is proved by `sha256`. */
export type Surface = { sha256: string; bytes: number; body: ReadableStream<Uint8Array> };

/** Surfaces before encoding, in R2 under `geometry/<geometry key>`: what saves the next format its GPU run. */
export class GeometryStore {
  readonly #r2: R2Bucket;
  readonly #fleets: DurableObjectNamespace<Fleet>;

  constructor({ r2, fleets }: { r2: R2Bucket; fleets: DurableObjectNamespace<Fleet> }) {
    this.#r2 = r2;
    this.#fleets = fleets;
  }

  /** The surface of this key, or null. */
  async read(key: string): Promise<Surface | null> {
    const object = await this.#r2.get(surfaceKey(key));
    if (object === null) return null;
    const digest = object.checksums.toJSON().sha256;
    if (digest === undefined) throw new Error(`geometry ${key} was stored without a digest; this is a bug`);
    return { sha256: digest, bytes: object.size, body: object.body };
  }

  /** Keeps a surface unless the key has one; throws the Problem `digest_mismatch`, and then nothing is stored. */
  async create(key: string, { sha256, bytes, body }: Surface): Promise<{ stored: boolean }> {
    if ((await this.#r2.head(surfaceKey(key))) !== null) return { stored: false };
    const { readable, writable } = new FixedLengthStream(bytes);
    const ended = new AbortController();
    const piped = body.pipeTo(writable, { signal: ended.signal }).catch(() => undefined);
    try {
      const object = await this.#r2.put(surfaceKey(key), readable, { sha256, onlyIf: { etagDoesNotMatch: '*' } });
      return { stored: object !== null };
    } catch (cause) {
      throw new Problem('digest_mismatch', 'The body is not the one that is signed.', { cause });
    } finally {
      ended.abort();
      await piped;
    }
  }

  /**
   * Removes surfaces here, and from the disk of each origin when it next reports. The origins' list comes first, so
   * that a call which broke off leaves no origin untold.
   */
  async remove(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    await theFleet(this.#fleets).noteRemoved(keys);
    await this.#r2.delete(keys.map(surfaceKey));
  }
}

/** Where a surface lies in R2. */
export function surfaceKey(key: string): string {
  return `geometry/${key}`;
}
