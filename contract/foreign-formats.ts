import type { Problem } from './problem.ts';
import { foreignMedia } from './heif-header.ts';
import { unreadableKind } from './unreadable-kind.ts';

/** How files of kinds that are not taken begin, as one character a byte. */
const beginnings: readonly [name: string, ...first: string[]][] = [
  ['a TIFF or camera raw file', 'II*\0', 'MM\0*', 'II+\0', 'MM\0+'],
  ['a BMP file', 'BM'],
  ['a JPEG XL file', '\xff\x0a', '\0\0\0\x0cJXL '],
  ['a JPEG 2000 file', '\xff\x4f\xff\x51', '\0\0\0\x0cjP  '],
  ['a Photoshop file', '8BPS'],
  ['a PDF file', '%PDF-'],
  ['an icon file', '\0\0\x01\0', '\0\0\x02\0'],
];
/** An element of the name within the first bytes of a text that begins with a tag. */
const svg = /^[\s\xef\xbb\xbf]*<(?:[^]*<)?svg[\s>]/i;
const firstBytesMax = 1024;

/** The Problem that names a kind of picture that is known and not taken; null for a file of no such kind. */
export function foreignFormat(bytes: Uint8Array): Problem | null {
  const media = foreignMedia(bytes);
  if (media !== null) return media;
  const text = String.fromCharCode(...bytes.subarray(0, firstBytesMax));
  const known = beginnings.find(([, ...first]) => first.some((characters) => text.startsWith(characters)));
  if (known !== undefined) return unreadableKind(known[0]);
  return svg.test(text) ? unreadableKind('an SVG drawing') : null;
}
