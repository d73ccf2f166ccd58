import { Problem } from './problem.ts';
import { imageLimits } from './request.ts';
import { refuseHighDynamicRange, type CodedColour } from './coded-colour.ts';
import { foreignFormat } from './foreign-formats.ts';
import { gifFacts } from './gif-header.ts';
import { avifFacts, isAvif } from './heif-header.ts';
import type { ImageFacts } from './image-facts.ts';
import { isJpeg, jpegFacts } from './jpeg-header.ts';
import { pngFacts } from './png-header.ts';
import { webpFacts } from './webp-header.ts';

export type ImageHeader = { mediaType: string; width: number; height: number; colour: CodedColour | null };

/**
 * Reads a picture's type and size from its header: PNG, JPEG, WebP, GIF or AVIF. Both programs judge by it alone what a
 * picture is; it takes whatever the origin's decoder shows. Nothing is decoded, so damage further in shows at the origin
 * alone. Throws the Problems `invalid_image`, with the name of a kind that cannot be read, and `image_too_many_pixels`.
 */
export function readImageHeader(bytes: Uint8Array): ImageHeader {
  if (bytes.byteLength === 0) throw invalid('The image has no bytes.');
  const format = formats.find(({ matches }) => matches(bytes));
  // defence: API10-1
  if (format === undefined) throw foreign(bytes);
  const facts = format.facts(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  if (facts === null || facts.width === 0 || facts.height === 0) {
    throw invalid(`The image begins like ${format.mediaType}, but its header is damaged or cut off.`);
  }
  const { width, height, colour = null } = facts;
  // defence: API4-2
  if (width * height > imageLimits.pixelsMax) {
    const message = `The image has ${width}×${height} pixels; at most ${imageLimits.pixelsMax} are allowed.`;
    throw new Problem('image_too_many_pixels', message, { param: 'image' });
  }
  refuseHighDynamicRange(colour);
  return { mediaType: format.mediaType, width, height, colour };
}

/** What is wrong with a file of another format; text without spaces is a path or a URL in the place of a file. */
function foreign(bytes: Uint8Array): Problem {
  const known = foreignFormat(bytes);
  if (known !== null) return known;
  const isText = /^[\x21-\x7e]+$/.test(ascii(bytes, 0, 16).trimEnd());
  const hint = ' This is text: a form takes the file itself (with curl, -F image=@picture.png), JSON its URL.';
  return invalid(`The image must be a PNG, JPEG, WebP, AVIF or GIF file.${isText ? hint : ''}`);
}

type Format = {
  mediaType: string;
  matches(bytes: Uint8Array): boolean;
  /** What the header says, null when it is damaged or ends too early; throws for a kind that cannot be read. */
  facts(view: DataView): ImageFacts | null;
};

const formats: readonly Format[] = [
  { mediaType: 'image/png', matches: (bytes) => ascii(bytes, 1, 3) === 'PNG' && bytes[0] === 0x89, facts: pngFacts },
  { mediaType: 'image/jpeg', matches: isJpeg, facts: jpegFacts },
  {
    mediaType: 'image/webp',
    matches: (bytes) => ascii(bytes, 0, 4) === 'RIFF' && ascii(bytes, 8, 4) === 'WEBP',
    facts: webpFacts,
  },
  { mediaType: 'image/gif', matches: (bytes) => /^GIF8[79]a$/.test(ascii(bytes, 0, 6)), facts: gifFacts },
  { mediaType: 'image/avif', matches: isAvif, facts: avifFacts },
];

function ascii(bytes: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}

function invalid(message: string): Problem {
  return new Problem('invalid_image', message, { param: 'image' });
}
