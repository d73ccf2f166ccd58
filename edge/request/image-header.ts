import { imageLimits } from '../../contract/request.ts';
import { Problem } from '../../contract/problem.ts';

/** What a picture's first bytes tell of it; width and height are in pixels, before any EXIF orientation. */
export type ImageHeader = { mediaType: string; width: number; height: number };

type Size = { width: number; height: number };

/**
 * Reads a picture's type and size from its header: PNG, JPEG, WebP, GIF or AVIF. Nothing is decoded, so damage further
 * in shows at the origin alone. Throws the Problem `invalid_image` for anything else and `image_too_many_pixels`.
 */
export function readImageHeader(bytes: Uint8Array): ImageHeader {
  if (bytes.byteLength === 0) throw invalid('The image has no bytes.');
  const format = formats.find(({ matches }) => matches(bytes));
  // defence: API10-1
  if (format === undefined) throw invalid(`The image must be a PNG, JPEG, WebP, AVIF or GIF file.${hintOn(bytes)}`);
  const size = format.size(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  if (size === null || size.width === 0 || size.height === 0) {
    throw invalid(`The image begins like ${format.mediaType}, but its header is damaged or cut off.`);
  }
  // defence: API4-2
  if (size.width * size.height > imageLimits.pixelsMax) {
    const message = `The image has ${size.width}×${size.height} pixels; at most ${imageLimits.pixelsMax} are allowed.`;
    throw new Problem('image_too_many_pixels', message, { param: 'image' });
  }
  return { mediaType: format.mediaType, ...size };
}

/** What to do, for who has sent a path or a URL in the place of a file: bytes that begin as text without spaces. */
function hintOn(bytes: Uint8Array): string {
  if (!/^[\x21-\x7e]+$/.test(ascii(bytes, 0, 16).trimEnd())) return '';
  return ' This is text: a form takes the file itself (with curl, -F image=@picture.png), JSON its URL.';
}

type Format = {
  mediaType: string;
  matches(bytes: Uint8Array): boolean;
  /** The size that the header gives, null when it is damaged or ends too early. */
  size(view: DataView): Size | null;
};

const formats: readonly Format[] = [
  { mediaType: 'image/png', matches: (bytes) => ascii(bytes, 1, 3) === 'PNG' && bytes[0] === 0x89, size: pngSize },
  { mediaType: 'image/jpeg', matches: (bytes) => bytes[0] === 0xff && bytes[1] === 0xd8, size: jpegSize },
  {
    mediaType: 'image/webp',
    matches: (bytes) => ascii(bytes, 0, 4) === 'RIFF' && ascii(bytes, 8, 4) === 'WEBP',
    size: webpSize,
  },
  { mediaType: 'image/gif', matches: (bytes) => /^GIF8[79]a$/.test(ascii(bytes, 0, 6)), size: gifSize },
  {
    mediaType: 'image/avif',
    matches: (bytes) => ascii(bytes, 4, 4) === 'ftyp' && /avi[fs]/.test(ascii(bytes, 8, 56)),
    size: avifSize,
  },
];

/** The IHDR chunk comes first (PNG §11.2.2). */
function pngSize(view: DataView): Size | null {
  if (view.byteLength < 33 || asciiOf(view, 12, 4) !== 'IHDR') return null;
  return { width: view.getUint32(16), height: view.getUint32(20) };
}

/** Walks the marker segments up to the frame header, SOF0–SOF15 but DHT, JPG and DAC (ITU-T T.81 §B.2.2). */
function jpegSize(view: DataView): Size | null {
  let at = 2;
  while (at + 9 < view.byteLength && view.getUint8(at) === 0xff) {
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) {
      at += 1; // fill bytes may stand before a marker
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
    if (marker === 0xd9 || marker === 0xda) return null;
    at += 2 + view.getUint16(at + 2);
  }
  return null;
}

/** The first chunk is VP8X (the canvas), VP8 (lossy) or VP8L (lossless), RFC 9649 §2.5–2.7. */
function webpSize(view: DataView): Size | null {
  if (view.byteLength < 30) return null;
  const chunk = asciiOf(view, 12, 4);
  if (chunk === 'VP8X') return { width: uint24(view, 24) + 1, height: uint24(view, 27) + 1 };
  if (chunk === 'VP8 ') {
    return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
  }
  if (chunk !== 'VP8L' || view.getUint8(20) !== 0x2f) return null;
  const bits = view.getUint32(21, true);
  return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
}

/** The logical screen descriptor (GIF89a §18). */
function gifSize(view: DataView): Size | null {
  if (view.byteLength < 13) return null;
  return { width: view.getUint16(6, true), height: view.getUint16(8, true) };
}

/** The largest image that meta/iprp/ipco describes in an `ispe` box (ISO/IEC 23008-12 §6.5.3): a grid's is the whole. */
function avifSize(view: DataView): Size | null {
  const meta = child(view, { start: 0, end: view.byteLength }, 'meta');
  if (meta === null) return null;
  const properties = child(view, { start: meta.start + 4, end: meta.end }, 'iprp');
  const container = properties && child(view, properties, 'ipco');
  if (!container) return null;
  let largest: Size | null = null;
  for (const box of boxes(view, container)) {
    if (box.type !== 'ispe' || box.end - box.start < 12) continue;
    const size = { width: view.getUint32(box.start + 4), height: view.getUint32(box.start + 8) };
    if (largest === null || size.width * size.height > largest.width * largest.height) largest = size;
  }
  return largest;
}

type Extent = { start: number; end: number };

function child(view: DataView, parent: Extent, type: string): Extent | null {
  for (const box of boxes(view, parent)) if (box.type === type) return box;
  return null;
}

/** The boxes inside an extent, without their 8-byte headers; stops where one does not fit. */
function* boxes(view: DataView, extent: Extent): Generator<Extent & { type: string }> {
  let at = extent.start;
  while (at + 8 <= extent.end) {
    const bytes = view.getUint32(at) || extent.end - at; // size 0 reaches to the end
    if (bytes < 8 || at + bytes > extent.end) return;
    yield { type: asciiOf(view, at + 4, 4), start: at + 8, end: at + bytes };
    at += bytes;
  }
}

function uint24(view: DataView, at: number): number {
  return view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
}

function asciiOf(view: DataView, at: number, length: number): string {
  return ascii(new Uint8Array(view.buffer, view.byteOffset, view.byteLength), at, length);
}

function ascii(bytes: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}

function invalid(message: string): Problem {
  return new Problem('invalid_image', message, { param: 'image' });
}
