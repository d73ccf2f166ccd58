import { type FleetObjects, theFleet } from '../fleet/calls.ts';
import { Problem } from '../../contract/problem.ts';
import { indexedKeys } from './index-entries.ts';

/** A surface on its way to or from R2; it is proved by `sha256`. */
export type Surface = { sha256: string; bytes: number; body: ReadableStream<Uint8Array> };

/**
 * Surfaces before encoding, in R2 under `geometry/<geometry key>`: what saves the next format its GPU run. One is kept
 * and given only while a mesh in the index names it, since a purge finds no others.
 */
export class GeometryStore {
  readonly #r2: R2Bucket;
  readonly #fleets: FleetObjects;

  constructor({ r2, fleets }: { r2: R2Bucket; fleets: FleetObjects }) {
    this.#r2 = r2;
    this.#fleets = fleets;
  }

  /** The surface of this key, or null. */
  async read(key: string): Promise<Surface | null> {
    const object = await this.#r2.get(surfaceKey(key));
    if (object === null) return null;
    // An origin that has heard of its removal must not get it back before R2 has done it.
    if (!(await this.#isNamed(key))) {
      await object.body.cancel();
      return null;
    }
    const digest = object.checksums.toJSON().sha256;
    if (digest === undefined) throw new Error(`geometry ${key} was stored without a digest; this is a bug`);
    return { sha256: digest, bytes: object.size, body: object.body };
  }

  /**
   * Keeps a surface unless the key has one or no mesh names it; throws the Problem `digest_mismatch`, and then nothing is
   * stored. What is not kept is left unread and not cancelled: cancelling would break the connection before the answer.
   */
  async create(key: string, surface: Surface): Promise<{ stored: boolean }> {
    const [present, named] = await Promise.all([this.#r2.head(surfaceKey(key)), this.#isNamed(key)]);
    if (present !== null || !named || !(await this.#put(key, surface))) return { stored: false };
    if (await this.#isNamed(key)) return { stored: true };
    // Its last mesh went while it came, and whoever removed that found nothing here.
    await this.remove([key]);
    return { stored: false };
  }

  async #put(key: string, { sha256, bytes, body }: Surface): Promise<boolean> {
    const { readable, writable } = new FixedLengthStream(bytes);
    const ended = new AbortController();
    const piped = body.pipeTo(writable, { signal: ended.signal }).catch(() => undefined);
    try {
      const object = await this.#r2.put(surfaceKey(key), readable, {
        /* defence: API10-5 */ sha256,
        onlyIf: { etagDoesNotMatch: '*' },
      });
      return object !== null;
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
    // defence: API10-7
    await theFleet(this.#fleets).noteRemoved(keys);
    await this.#r2.delete(keys.map(surfaceKey));
  }

  /** Removes those of these surfaces that are stored and that no mesh names. */
  async removeUnnamed(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      if ((await this.#r2.head(surfaceKey(key))) !== null && !(await this.#isNamed(key))) await this.remove([key]);
    }
  }

  async #isNamed(key: string): Promise<boolean> {
    return (await indexedKeys(this.#r2, { by: 'geometry', value: key, max: 1 })).keys.length > 0;
  }
}

/** Where a surface lies in R2. */
export function surfaceKey(key: string): string {
  return `geometry/${key}`;
}
