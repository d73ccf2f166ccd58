import { z } from 'zod';
import { bytesOfHex, hex } from '../../contract/digest.ts';
import { hmacKey } from '../../contract/hmac-key.ts';
import { keyOfMeshId, meshId } from '../../contract/key.ts';
import type { StoredBlob, MeshManifest } from '../../contract/mesh.ts';
import { Problem } from '../../contract/problem.ts';
import { assetFile, type AssetName } from '../store/asset.ts';

const secretCharactersMin = 32;

/** How long the URL of a private asset works, in seconds; each look at the mesh gives a new one. */
const privateUrlSeconds = 3600;

/** Where assets are served, and the secret that signs the URLs of private ones. */
export type AssetUrls = { baseUrl: string; secret: string };

/** The URL of a mesh's blob: public for good, or of a private mesh one that expires. */
export async function assetUrl(
  manifest: MeshManifest,
  blob: StoredBlob,
  { baseUrl, secret }: AssetUrls,
): Promise<string> {
  const url = `${baseUrl}/assets/${assetFile(blob)}`;
  if (manifest.owner === undefined) return url;
  const expires = String(Math.floor(Date.now() / 1000) + privateUrlSeconds);
  const text = signedText({ key: manifest.key, sha256: blob.sha256, expires });
  const mac = await crypto.subtle.sign('HMAC', await hmacKey(secret), text);
  const query = { mesh: meshId(manifest.key), expires, signature: hex(new Uint8Array(mac)) };
  return `${url}?${new URLSearchParams(query).toString()}`;
}

/**
 * The request key of the private mesh that a URL lets its holder read this asset of, null for a public URL. Throws the
 * Problem `invalid_asset_url` when it has expired or is not as it was signed.
 */
export async function privateAccess(url: URL, name: AssetName, secret: string): Promise<string | null> {
  const signature = url.searchParams.get('signature');
  if (signature === null) return null;
  const key = keyOfMeshId(url.searchParams.get('mesh') ?? '');
  const expires = url.searchParams.get('expires') ?? '';
  const wellFormed = /^[0-9a-f]{64}$/.test(signature) && /^\d{1,12}$/.test(expires);
  if (key === null || !wellFormed) throw invalid();
  const mac = bytesOfHex(signature);
  const text = signedText({ key, sha256: name.sha256, expires });
  // subtle.verify compares in constant time.
  const holds = await /* defence: API1-3 */ crypto.subtle.verify('HMAC', await hmacKey(secret), mac, text);
  if (!holds || Number(expires) * 1000 <= Date.now()) throw invalid();
  return key;
}

function signedText({ key, sha256, expires }: { key: string; sha256: string; expires: string }) {
  return new TextEncoder().encode(['meshkiln-asset-1', key, sha256, expires].join('\n'));
}

function invalid(): Problem {
  return new Problem('invalid_asset_url', 'This URL has expired or was changed; the mesh object has a new one.');
}

/** Reads the `URL_SECRET` secret; throws an Error that names it. */
export function parseUrlSecret(text: string | undefined): string {
  const parsed = z.string().min(secretCharactersMin).safeParse(text);
  if (parsed.success) return parsed.data;
  throw new Error(`the secret URL_SECRET must have at least ${secretCharactersMin} characters`);
}
