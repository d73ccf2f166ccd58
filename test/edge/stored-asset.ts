import { env, exports } from 'cloudflare:workers';
import { sha256 } from '../../contract/digest.ts';
import { mediaTypes } from '../../contract/formats.ts';

/** No origin and no key: assets need neither. */
Object.assign(env, { ORIGINS: '[]', API_KEYS: '[]' });

export type StoredAsset = { bytes: Uint8Array<ArrayBuffer>; sha256: string; file: string; url: string };

/** Bytes that differ with the seed and at every position nearby. */
export function someBytes(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let index = 0; index < length; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}

/** Stores bytes in the real bucket as the origin's write-back leaves them; the digest can be made to lie. */
export async function storeAsset(
  bytes: Uint8Array<ArrayBuffer>,
  options: { extension?: keyof typeof mediaTypes; under?: string } = {},
): Promise<StoredAsset> {
  const extension = options.extension ?? 'glb';
  const digest = options.under ?? (await sha256(bytes));
  const file = `${digest}.${extension}`;
  await env.STORE.put(`blobs/${digest}`, bytes, { httpMetadata: { contentType: mediaTypes[extension] } });
  return { bytes, sha256: digest, file, url: `https://edge.example/assets/${file}` };
}

/** Asks the Worker for a URL. */
export function ask(url: string, init: RequestInit = {}): Promise<Response> {
  return exports.default.fetch(url, init);
}

export async function bodyOf(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await response.arrayBuffer());
}

/** SHA-256 of an answer's body: comparing a megabyte by `toEqual` takes seconds. */
export async function digestOf(response: Response): Promise<string> {
  return sha256(await bodyOf(response));
}
