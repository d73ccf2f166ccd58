import { Memory } from '../store/memory.ts';

/** Bytes of keys and their digests that an isolate remembers, for `memoryLifeSeconds`. */
const digestsBytesMax = 256 * 1024;

type Digested = { text: string; digest: Uint8Array };

/**
 * Of keys that were found good, so that guesses push nothing out. A digest grants nothing: whether it is that of a live
 * key is asked with every request. The time of a look-up does not tell a text that is close, since V8 finds strings by
 * a hash with a seed of its own.
 */
const digests = new Memory<Digested>({
  bytesMax: digestsBytesMax,
  sizeOf: ({ text, digest }) => 2 * text.length + digest.byteLength,
  now: () => Date.now(),
});

/** SHA-256 of a key's text: the only step of telling a key that must be waited for. */
export async function digestKey(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
}

/** The digest of a key that was found good a moment ago, or null. */
export function knownDigest(text: string): Uint8Array | null {
  return digests.get(text)?.digest ?? null;
}

/** Remembers the digest of a key that was found good. */
export function rememberDigest(text: string, digest: Uint8Array): void {
  digests.set(text, { text, digest });
}
