import { bytesOfHex } from '../../contract/digest.ts';
import { mediaTypes } from '../../contract/formats.ts';
import type { StoredBlob } from '../../contract/mesh.ts';

/** Who may cache an answer and for how long, by the kind of URL. */
export type AssetLife =
  /** The URL names the bytes, so they never change (RFC 8246). */
  | 'immutable'
  /** The URL names a mesh, whose bytes a refresh can change: cached, and revalidated by ETag. */
  | 'revalidated'
  /** A private result: kept by no one. */
  | 'private';

const cacheControl: Readonly<Record<AssetLife, string>> = {
  immutable: 'public, max-age=31536000, immutable',
  revalidated: 'public, no-cache',
  private: 'private, no-store',
};

/** The strong entity tag of an asset (RFC 9110 §8.8.3): its digest names the very bytes. */
export function entityTag(sha256: string): string {
  return `"${sha256}"`;
}

/** Headers of every answer about an asset, with or without its bytes: RFC 9110 §15.4.5 requires them in a 304. */
export function validatorHeaders(sha256: string, life: AssetLife): Record<string, string> {
  return {
    etag: entityTag(sha256),
    'cache-control': cacheControl[life],
    // The bytes come from a stranger's picture: a browser may show them only as a sandboxed page without scripts.
    'content-security-policy': /* defence: API8-3 */ "default-src 'none'; sandbox",
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'cross-origin',
  };
}

/** Headers of the representation, equal for 200 and 206. Repr-Digest covers the whole (RFC 9530 §3). */
export function representationHeaders({
  sha256,
  extension,
}: Pick<StoredBlob, 'sha256' | 'extension'>): Record<string, string> {
  const mediaType = mediaTypes[extension];
  const disposition = mediaType.startsWith('image/') ? 'inline' : 'attachment';
  return {
    'content-type': mediaType,
    'content-disposition': `${disposition}; filename="meshkiln-${sha256.slice(0, 12)}.${extension}"`,
    'repr-digest': `sha-256=:${btoa(String.fromCharCode(...bytesOfHex(sha256)))}:`,
    'accept-ranges': 'bytes',
  };
}
