import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { readImageHeader } from '../../contract/image-header.ts';
import { decode } from '../../gpu-origin/pipeline/decode.ts';
import { avifHeader, cicp, ftyp, jpegOf, jpegWith, pngChunk, pngWith, shades } from './picture-files.ts';

const jpeg = await shades(64, 48).jpeg().toBuffer();
const progressive = await shades(64, 48).jpeg({ progressive: true }).toBuffer();
const png = await shades(64, 48).png().toBuffer();
const avif = await shades(64, 48).avif().toBuffer();
const gif = await shades(64, 48).gif().toBuffer();

/** A GIF whose logical screen has this size, whatever its frames have. */
function gifWithScreen(width: number, height: number): Buffer {
  const changed = Buffer.from(gif);
  changed.writeUInt16LE(width, 6);
  changed.writeUInt16LE(height, 8);
  return changed;
}

/** The same AVIF with the brand of a sequence first, as encoders of moving pictures write it. */
function sequence(): Buffer {
  const changed = Buffer.from(avif);
  changed.write('avis', 8, 'latin1');
  return changed;
}

const text = (bytes: number) => Buffer.concat([Buffer.from('Comment\0'), Buffer.alloc(bytes, 'a')]);

test.each<[string, Buffer]>([
  ['a JPEG with stray bytes between segments', jpegWith(jpeg, [0x12, 0x34, 0x00])],
  ['a JPEG with a restart marker between segments', jpegWith(jpeg, [0xff, 0xd3])],
  ['a progressive JPEG with stuffed zeros and fill bytes there', jpegWith(progressive, [0xff, 0x00, 0x7f, 0xff, 0xff])],
  ['a JPEG with a segment whose length is 0', jpegWith(jpeg, [0xff, 0xe5, 0, 0])],
  ['a PNG with 9 MB of text', pngWith(png, pngChunk('tEXt', text(9_000_000)))],
  [
    'a PNG with text that unpacks to 30 MB',
    pngWith(png, pngChunk('zTXt', Buffer.concat([Buffer.from('a\0\0'), deflateSync(Buffer.alloc(30_000_000))]))),
  ],
  ['a PNG with a thousand texts', pngWith(png, ...Array.from({ length: 1000 }, () => pngChunk('tEXt', text(3))))],
  ['a GIF with a logical screen of 0 × 0', gifWithScreen(0, 0)],
  ['a GIF whose frame reaches beyond its screen', gifWithScreen(64, 0)],
  ['an AVIF sequence, by its first frame', sequence()],
])('%s is what the decoder shows of it', async (_, file) => {
  expect(readImageHeader(file)).toMatchObject({ width: 64, height: 48 });
  const { picture } = await decode(file);
  expect([picture.width, picture.height]).toEqual([64, 48]);
});

test.each<[string, Buffer, RegExp]>([
  ['HEIC', ftyp('heic', 'mif1', 'heic'), /HEIC.*JPEG/],
  ['HEIC under a general brand', ftyp('mif1', 'heix'), /HEIC/],
  ['a burst of HEIC', ftyp('msf1', 'hevc'), /HEIC/],
  ['HEIF of another codec', ftyp('avci', 'mif1'), /HEIF/],
  ['HEIF with no more said', ftyp('mif1', 'miaf'), /HEIF/],
  ['a film', ftyp('qt  ', 'qt  '), /film.*\(qt\)/],
  ['a camera raw file in that container', ftyp('crx ', 'isom'), /media file \(crx\)/],
  [
    'an AVIF sequence with no still picture',
    Buffer.concat([ftyp('avis', 'avis'), Buffer.from('\0\0\0\x08moov')]),
    /AVIF image sequence/,
  ],
  [
    "Apple's PNG",
    Buffer.concat([png.subarray(0, 8), pngChunk('CgBI', Uint8Array.of(0x50, 0, 0x20, 2)), png.subarray(8)]),
    /CgBI.*revert/,
  ],
  ['a JPEG of 12 bits', jpegOf(jpeg, { bits: 12 }), /12 bits/],
  ['a JPEG of 16 bits', jpegOf(progressive, { bits: 16 }), /16 bits/],
  ['a lossless JPEG', jpegOf(jpeg, { marker: 0xc3 }), /lossless/],
  ['a lossless JPEG, arithmetically coded', jpegOf(jpeg, { marker: 0xcb }), /lossless/],
  ['a hierarchical JPEG', jpegOf(jpeg, { marker: 0xde }), /hierarchical/],
  ['a differential JPEG', jpegOf(jpeg, { marker: 0xc6 }), /hierarchical/],
  ['PQ', pngWith(png, cicp(9, 16)), /PQ.*SDR/],
  ['HLG', pngWith(png, cicp(9, 18)), /HLG.*SDR/],
  ['TIFF', await shades(9, 9).tiff().toBuffer(), /TIFF/],
  ['BMP', Buffer.from('BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0', 'latin1'), /BMP/],
  ['JPEG XL', Buffer.from([0xff, 0x0a, 0x7f]), /JPEG XL/],
  ['JPEG 2000', Buffer.from('\0\0\0\x0cjP  \r\n\x87\n', 'latin1'), /JPEG 2000/],
  ['SVG', Buffer.from('<?xml version="1.0"?>\n<!-- a\ndrawing -->\n<svg xmlns="http://www.w3.org/2000/svg"/>'), /SVG/],
  ['PDF', Buffer.from('%PDF-1.7\n'), /PDF/],
])('%s is refused by its name with the way out', (_, file, words) => {
  const refusal = expect.objectContaining({ code: 'invalid_image', message: expect.stringMatching(words) as string });
  expect(() => readImageHeader(file)).toThrow(refusal);
  const message = expect.objectContaining({ message: expect.stringMatching(/Convert|Send|Save|Export/) as string });
  expect(() => readImageHeader(file)).toThrow(message);
});

test('the colours of an AVIF are those of its primary picture', () => {
  expect(readImageHeader(avifHeader(12, 13))).toMatchObject({ width: 64, colour: { primaries: 12, transfer: 13 } });
  expect(() => readImageHeader(avifHeader(9, 18))).toThrow('HLG');
});

test('no header, cut anywhere or with any byte changed, does worse than a refusal', async () => {
  const files = [
    jpeg,
    png,
    gif,
    avif,
    sequence(),
    await sharp(png).webp().toBuffer(),
    ftyp('heic', 'mif1'),
    pngWith(png, cicp(12, 13)),
    avifHeader(12, 13),
  ];
  for (const file of files) {
    for (let length = 0; length < Math.min(file.length, 700); length++) {
      outcomeOf(file.subarray(0, length));
      const changed = Buffer.from(file.subarray(0, 700));
      changed[length] = (length * 89) & 0xff;
      outcomeOf(changed);
    }
  }
});

function outcomeOf(file: Uint8Array): void {
  try {
    readImageHeader(file);
  } catch (error) {
    expect(error).toMatchObject({ name: 'Problem' });
  }
}
