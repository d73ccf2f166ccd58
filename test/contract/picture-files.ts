import { crc32 } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';

/** A PNG chunk with its length and checksum. */
export function pngChunk(type: string, data: Uint8Array | string): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), Buffer.from(data)]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(body.length - 4, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}

/** A PNG with chunks put in after its header. */
export function pngWith(png: Buffer, ...chunks: Buffer[]): Buffer {
  return Buffer.concat([png.subarray(0, 33), ...chunks, png.subarray(33)]);
}

/** A `cICP` chunk with these code points, for full-range RGB. */
export function cicp(primaries: number, transfer: number): Buffer {
  return pngChunk('cICP', Uint8Array.of(primaries, transfer, 0, 1));
}

/** A JPEG with bytes put in before its frame header. */
export function jpegWith(jpeg: Buffer, bytes: number[]): Buffer {
  const frame = frameHeaderAt(jpeg);
  return Buffer.concat([jpeg.subarray(0, frame), Buffer.from(bytes), jpeg.subarray(frame)]);
}

/** A JPEG whose frame header has another marker or number of bits. */
export function jpegOf(jpeg: Buffer, { marker, bits }: { marker?: number; bits?: number }): Buffer {
  const changed = Buffer.from(jpeg);
  const frame = frameHeaderAt(jpeg);
  if (marker !== undefined) changed[frame + 1] = marker;
  if (bits !== undefined) changed[frame + 4] = bits;
  return changed;
}

function frameHeaderAt(jpeg: Buffer): number {
  const at = jpeg.findIndex((byte, i) => byte === 0xff && [0xc0, 0xc2].includes(jpeg[i + 1] as number));
  if (at < 0) throw new Error('the JPEG has no frame header');
  return at;
}

/** An ISO media file's first box, with its brands. */
export function ftyp(major: string, ...compatible: string[]): Buffer {
  const body = Buffer.from(`ftyp${major}\0\0\0\0${compatible.join('')}`, 'latin1');
  const size = Buffer.alloc(4);
  size.writeUInt32BE(4 + body.length);
  return Buffer.concat([size, body]);
}

/** A picture of soft gradients and some noise, so that every block of it has coefficients. */
export function shades(width: number, height: number): Sharp {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    return 40 + ((x * 5 + y * 3 * ((i % 3) + 1) + ((i * 7919) % 31)) % 180);
  });
  return sharp(data, { raw: { width, height, channels: 3 } });
}

/** The header of an AVIF of 64 × 48 pixels whose primary item, of two, has these code points. */
export function avifHeader(primaries: number, transfer: number): Buffer {
  const colours = (...codes: number[]) => box('colr', Buffer.from('nclx'), words(...codes, 6), Buffer.of(0x80));
  const properties = box('ipco', box('ispe', words(0, 0, 0, 64, 0, 48)), colours(9, 16), colours(primaries, transfer));
  // Item 1 has the first two properties, item 2 the first and the third.
  const associations = box('ipma', words(0, 0, 0, 2), words(1), Buffer.of(2, 1, 2), words(2), Buffer.of(2, 0x81, 3));
  const items = [box('pitm', words(0, 0, 2)), box('iprp', properties, associations)];
  return Buffer.concat([ftyp('avif', 'mif1'), box('meta', words(0, 0), ...items)]);
}

function box(type: string, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), ...parts]);
  return Buffer.concat([words(0, 4 + body.length), body]);
}

function words(...values: number[]): Buffer {
  return Buffer.concat(values.map((value) => Buffer.of(value >> 8, value & 0xff)));
}
