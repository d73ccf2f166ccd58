import { hex, sha256 } from '../../contract/digest.ts';
import { Problem } from '../../contract/problem.ts';
import { Memory } from '../store/memory.ts';
import type { Stub } from '../objects.ts';
import {
  theKeys,
  type KeyCalls,
  type KeysObjects,
  isLive,
  keysMax,
  type KeyListOptions,
  type KeyTerms,
  type StoredKey,
} from './calls.ts';
import { countRequest, type RateLimiters } from './rate-limits.ts';

/** How long an isolate believes what the store said of a key before it asks again, in milliseconds. */
const believedMs = 30_000;

/** For so long, in milliseconds, it goes on believing a store that does not answer: the bound of a revocation. */
const believedMsMax = 60_000;

/** While one request asks again, others go on for so long, in milliseconds, with what is known. */
const askingMs = 5_000;

/** How often a request looks whether the one that asks for its key has its answer, in milliseconds. */
const askingPauseMs = 10;

/** Bytes of keys that an isolate remembers, and of digests that are no key. */
const knownBytesMax = 1024 * 1024;
const unknownBytesMax = 256 * 1024;
const askingBytesMax = 256 * 1024;

/** About what a digest in a Map takes. */
const askingBytes = 256;

const secretBytes = 32;
const retryAfterSeconds = 1;

type Known = { key: StoredKey; answeredAtMs: number; askAtMs: number };

const now = () => Date.now();
const known = new Memory<Known>({
  bytesMax: knownBytesMax,
  sizeOf: ({ key }) => 2 * JSON.stringify(key).length,
  now,
  lifeMs: believedMsMax,
});
const unknown = new Memory<string>({ bytesMax: unknownBytesMax, sizeOf: (digest) => 2 * digest.length, now });

/** Digests that a request asks about at the moment: no promise is shared, since that request may end at any time. */
const asking = new Memory<true>({ bytesMax: askingBytesMax, sizeOf: () => askingBytes, now, lifeMs: askingMs });

export type KeyStoreOptions = { keys: KeysObjects; limiters: RateLimiters };

/** The keys that operators make and end at run time, by their digests; what was asked lately is answered from memory. */
export class KeyStore {
  readonly #options: KeyStoreOptions;

  constructor(options: KeyStoreOptions) {
    this.#options = options;
  }

  /**
   * The live key of this text, null when there is none, as it was at most `believedMs` ago, or `believedMsMax` when the
   * store does not answer. Throws the Problems `rate_limit_exceeded` for an address that asks for too many keys that
   * are not known here, and `keys_unavailable`.
   */
  async find(text: string, digest: string, address: string): Promise<StoredKey | null> {
    if (!isWellFormed(text)) return null;
    // A key that comes with many requests at once is asked for once.
    while (known.get(digest) === null && asking.get(digest) !== null) {
      await scheduler.wait(askingPauseMs);
    }
    const held = known.get(digest);
    if (held === null && unknown.get(digest) !== null) return null;
    if (held !== null && now() < held.askAtMs) return liveKey(held.key);
    if (held === null) asking.set(digest, true);
    else known.set(digest, { ...held, askAtMs: now() + askingMs });
    try {
      if (held === null) await countRequest(this.#options.limiters, { name: 'KEY_LOOKUPS', of: address });
      return await this.#ask(digest);
    } catch (error) {
      if (held === null || now() - held.answeredAtMs > believedMsMax) throw error;
      console.error(JSON.stringify({ event: 'keys_unavailable', error: String(error) }));
      return liveKey(held.key);
    } finally {
      asking.delete(digest);
    }
  }

  /** Asks the store itself whether a key is still live; throws the Problems `invalid_api_key` and `keys_unavailable`. */
  async confirm(digest: string): Promise<void> {
    if ((await this.#ask(digest)) === null) throw new Problem('invalid_api_key', 'This API key has ended.');
  }

  /** Makes a key; its text is told this once. Throws the Problem `too_many_keys`. */
  async create(terms: KeyTerms): Promise<{ key: StoredKey; text: string }> {
    const text = newText();
    const key = await this.#store().create({ sha256: /* defence: API3-4 */ await sha256(text), terms });
    if (key === null) throw tooManyKeys();
    return { key, text };
  }

  /**
   * Makes a key of the same terms in the place of a live one, which ends within the overlap. Throws the Problems
   * `key_not_found` and `too_many_keys`.
   */
  async rotate(id: string, overlapSeconds: number): Promise<{ key: StoredKey; text: string }> {
    const text = newText();
    const rotate = { id, sha256: await sha256(text), overlapSeconds };
    const rotation = await this.#store().rotate(rotate);
    if (rotation === null) throw keyNotFound();
    if (rotation.is === 'full') throw tooManyKeys();
    return { key: rotation.key, text };
  }

  /** The key of this id; throws the Problem `key_not_found`. */
  async get(id: string): Promise<StoredKey> {
    const key = await this.#store().get(id);
    if (key === null) throw keyNotFound();
    return key;
  }

  /** A page of keys, the newest first; null when `afterId` is none of them. */
  async list(options: KeyListOptions): Promise<{ keys: StoredKey[]; hasMore: boolean } | null> {
    return this.#store().list(options);
  }

  /** Ends a key; throws the Problem `key_not_found`. */
  async revoke(id: string): Promise<void> {
    if ((await this.#store().revoke(id)) === null) throw keyNotFound();
  }

  async #ask(digest: string): Promise<StoredKey | null> {
    let key: StoredKey | null;
    try {
      key = await this.#store().find(digest);
    } catch (cause) {
      throw new Problem('keys_unavailable', 'API keys cannot be checked at the moment.', { cause, retryAfterSeconds });
    }
    const live = liveKey(key);
    if (live === null) {
      known.delete(digest);
      unknown.set(digest, digest);
    } else {
      known.set(digest, { key: live, answeredAtMs: now(), askAtMs: now() + believedMs });
    }
    return live;
  }

  #store(): Stub<KeyCalls> {
    return theKeys(this.#options.keys);
  }
}

function liveKey(key: StoredKey | null): StoredKey | null {
  return key !== null && isLive(key) ? key : null;
}

function newText(): string {
  return `mk_${hex(crypto.getRandomValues(new Uint8Array(secretBytes)))}`;
}

/** Text that no key can be costs the store nothing. */
function isWellFormed(text: string): boolean {
  return /^mk_[0-9a-f]{64}$/.test(text);
}

function tooManyKeys(): Problem {
  return new Problem('too_many_keys', `At most ${keysMax} keys are kept; ended ones count for 90 days.`);
}

function keyNotFound(): Problem {
  return new Problem('key_not_found', 'There is no live API key with this id.');
}
