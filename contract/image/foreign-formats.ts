import { foreignMedia } from './heif-header.ts';
import type { Problem } from '../problem.ts';
import { unreadableKind } from './unreadable-kind.ts';

/** First bytes of kinds of pictures that are not taken, as one character a byte. */
const signatures: readonly [name: string, first: RegExp][] = [
  ['a TIFF or camera raw file', /^(?:II\*\0|MM\0\*|II\+\0|MM\0\+)/],
  ['a BMP file', /^BM.{4}\0\0\0\0/s],
  ['a JPEG XL file', /^(?:\xff\x0a|\0\0\0\x0cJXL )/],
  ['a JPEG 2000 file', /^(?:\xff\x4f\xff\x51|\0\0\0\x0cjP {2})/],
  ['a Photoshop file', /^8BPS/],
  ['a PDF file', /^%PDF-/],
  ['an icon file', /^\0\0[\x01\x02]\0/],
  [
    'an SVG drawing',
    /^(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--[^]*?-->\s*)*(?:<!DOCTYPE svg[^>]*>\s*)?<svg[\s>]/i,
  ],
];
const signatureBytesMax = 1024;

/** The Problem that names a kind of picture that is known and not taken; null for a file of no such kind. */
export function foreignFormat(bytes: Uint8Array): Problem | null {
  const media = foreignMedia(bytes);
  if (media !== null) return media;
  const first = String.fromCharCode(...bytes.subarray(0, signatureBytesMax));
  const known = signatures.find(([, pattern]) => pattern.test(first));
  return known === undefined ? null : unreadableKind(known[0]);
}
