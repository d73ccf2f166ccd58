import { mediaTypes } from '../../contract/formats.ts';
import type { AssetName } from '../store/asset.ts';

/** Who may keep an answer, and for how long: it depends on the kind of URL that was asked. */
export type AssetLife =
  /** The URL names the bytes, so they never change (RFC 8246). */
  | 'immutable'
  /** The URL names a mesh, which a refresh may give other bytes: kept, and asked for again with its ETag. */
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

/** Headers that an answer carries whether or not it brings the bytes: what RFC 9110 §15.4.5 asks of a 304. */
export function validatorHeaders(sha256: string, life: AssetLife): Record<string, string> {
  return {
    etag: entityTag(sha256),
    'cache-control': cacheControl[life],
    // A sandboxed, scriptless page is all that a browser may make of bytes that came from a stranger's picture.
    'content-security-policy': /* defence: API8-3 */ "default-src 'none'; sandbox",
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'cross-origin',
  };
}

/** Headers of the representation itself, the same for 200 and 206; Repr-Digest is of the whole (RFC 9530 §3). */
export function representationHeaders({ sha256, extension }: AssetName): Record<string, string> {
  const mediaType = mediaTypes[extension];
  const disposition = mediaType.startsWith('image/') ? 'inline' : 'attachment';
  return {
    'content-type': mediaType,
    'content-disposition': `${disposition}; filename="meshkiln-${sha256.slice(0, 12)}.${extension}"`,
    'repr-digest': `sha-256=:${base64(sha256)}:`,
    'accept-ranges': 'bytes',
  };
}

const base64Digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Base64 of the 32 bytes that 64 hexadecimal digits write, with no bytes between: each asset hit asks for it. */
function base64(sha256: string): string {
  let text = '';
  for (let at = 0; at < 63; at += 3) {
    const twelveBits = parseInt(sha256.slice(at, at + 3), 16);
    text += base64Digits.charAt(twelveBits >> 6) + base64Digits.charAt(twelveBits & 63);
  }
  return `${text}${base64Digits.charAt(parseInt(sha256.slice(63), 16) << 2)}=`;
}
