import sharp, { type Sharp } from 'sharp';
import { describe, expect, test } from 'vitest';
import { decode } from '../../../gpu-origin/pipeline/decode.ts';
import { cicp, pngWith, shades } from '../../contract/picture-files.ts';
import { emoji } from './emoji.ts';

const blank = (width: number, height: number, alpha = 1) =>
  sharp({ create: { width, height, channels: 4, background: { r: 200, g: 100, b: 50, alpha } } });

/** 6 × 4 pixels, the left half red, the right half blue. */
function halves(): Sharp {
  const data = Uint8Array.from({ length: 6 * 4 * 3 }, (_, i) => {
    const channel = i % 3;
    const left = Math.floor(i / 3) % 6 < 3;
    return (channel === 0 && left) || (channel === 2 && !left) ? 255 : 0;
  });
  return sharp(data, { raw: { width: 6, height: 4, channels: 3 } });
}

describe('decode', () => {
  test.each(['png', 'jpeg', 'webp', 'avif', 'gif'] as const)('reads %s', async (format) => {
    const { picture } = await decode(await halves().toFormat(format, { lossless: true }).toBuffer());
    expect([picture.width, picture.height, picture.data.length]).toEqual([6, 4, 96]);
    expect(picture.data[3]).toBe(255);
    expect(picture.data[0] as number).toBeGreaterThan(picture.data[2] as number);
  });

  test('takes the first frame of a moving GIF', async () => {
    const frames = [blank(8, 8), blank(8, 8, 0)].map((frame) => frame.png().toBuffer());
    const moving = await sharp(await Promise.all(frames), { join: { animated: true } })
      .gif()
      .toBuffer();
    const { picture } = await decode(moving);
    expect([picture.width, picture.height, picture.data[3]]).toEqual([8, 8, 255]);
  });

  test('turns a picture as its EXIF orientation says', async () => {
    const { picture } = await decode(await halves().withMetadata({ orientation: 6 }).png().toBuffer());
    expect([picture.width, picture.height]).toEqual([4, 6]);
    expect([...picture.data.subarray(0, 3)]).toEqual([255, 0, 0]);
  });

  test('brings another colour space to sRGB', async () => {
    const wide = await blank(4, 4).withIccProfile('p3').png().toBuffer();
    const { picture } = await decode(wide);
    for (const [k, byte] of [200, 100, 50].entries())
      expect(Math.abs((picture.data[k] as number) - byte)).toBeLessThan(4);
    const grey = await decode(await blank(4, 4).greyscale().png().toBuffer());
    expect(grey.picture.data.length).toBe(64);
    const cmyk = await decode(await blank(4, 4).flatten().toColourspace('cmyk').jpeg().toBuffer());
    expect(cmyk.picture.data.length).toBe(64);
  });

  test('gives the same digest for the same pixels in another file, and another for others', async () => {
    const [png, webp, other] = await Promise.all([
      decode(await halves().png().toBuffer()),
      decode(await halves().webp({ lossless: true }).toBuffer()),
      decode(await halves().flip().flop().png().toBuffer()),
    ]);
    expect(webp.pixelsSha256).toBe(png.pixelsSha256);
    expect(other.pixelsSha256).not.toBe(png.pixelsSha256);
  });

  test('scales a picture down to 2048 pixels', async () => {
    const { picture } = await decode(await blank(4096, 1024).png().toBuffer());
    expect([picture.width, picture.height]).toEqual([2048, 512]);
  });

  test.each([
    ['nothing', () => Promise.resolve(Buffer.alloc(0))],
    ['text', () => Promise.resolve(Buffer.from('this is not a picture'))],
    ['SVG', () => Promise.resolve(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'))],
    ['TIFF', () => blank(9, 9).tiff().toBuffer()],
    [
      'half a PNG',
      async () =>
        (
          await sharp(await emoji('cat'))
            .png()
            .toBuffer()
        ).subarray(0, 20_000),
    ],
    ['half a WebP', async () => Buffer.from(await emoji('cat')).subarray(0, 5_000)],
    [
      'half a JPEG',
      async () =>
        (
          await sharp(await emoji('cat'))
            .jpeg()
            .toBuffer()
        ).subarray(0, 3_000),
    ],
    [
      'half a GIF',
      async () =>
        (
          await sharp(await emoji('cat'))
            .gif()
            .toBuffer()
        ).subarray(0, 5_000),
    ],
    [
      'half an AVIF',
      async () =>
        (
          await sharp(await emoji('cat'))
            .avif()
            .toBuffer()
        ).subarray(0, 1_500),
    ],
  ])('refuses %s as invalid_image', async (_, image) => {
    await expect(decode(await image())).rejects.toMatchObject({ code: 'invalid_image', param: 'image' });
  });

  describe.each([
    ['baseline', {}],
    ['progressive', { progressive: true }],
    ['4:4:4', { chromaSubsampling: '4:4:4' }],
    ['optimised', { mozjpeg: true }],
  ] as const)('a JPEG (%s)', (_, options) => {
    const whole = shades(160, 120).jpeg(options).toBuffer();

    test.each([
      ['nothing else', (jpeg: Buffer) => jpeg.subarray(0, -2)],
      ['half of its end marker', (jpeg: Buffer) => jpeg.subarray(0, -1)],
      ['its end marker, zeros in its place', (jpeg: Buffer) => Buffer.concat([jpeg.subarray(0, -2), Buffer.alloc(99)])],
    ])('that lacks its end marker and %s is whole', async (_case, cut) => {
      const jpeg = await whole;
      expect((await decode(cut(jpeg))).pixelsSha256).toBe((await decode(jpeg)).pixelsSha256);
    });

    test.each([6, 20, 200, 2000])('that lacks its last %d bytes is cut short', async (bytes) => {
      const jpeg = await whole;
      const refused = { code: 'invalid_image', message: 'The image is damaged or cut short.' };
      await expect(decode(jpeg.subarray(0, -bytes))).rejects.toMatchObject(refused);
      const zeros = Buffer.concat([jpeg.subarray(0, -bytes), Buffer.alloc(bytes)]);
      await expect(decode(zeros)).rejects.toMatchObject(refused);
    });
  });

  test('a progressive JPEG that lacks whole scans is cut short, although every pixel has some colour', async () => {
    const jpeg = await shades(160, 120).jpeg({ progressive: true }).toBuffer();
    const lastScan = jpeg.lastIndexOf(Buffer.of(0xff, 0xda));
    await expect(decode(jpeg.subarray(0, lastScan))).rejects.toMatchObject({ code: 'invalid_image' });
  });

  test.each([
    ['BT.2020', cicp(9, 14), [200, 100, 50], [241, 76, 29]],
    ['linear light', cicp(1, 8), [127, 55, 4], [187, 128, 34]],
    ['sRGB', cicp(1, 13), [200, 100, 50], [200, 100, 50]],
    ['unknown code points', cicp(2, 2), [200, 100, 50], [200, 100, 50]],
  ])('brings %s, told by code points, to sRGB', async (_, chunk, [r, g, b], shown) => {
    const png = await sharp({ create: { width: 4, height: 4, channels: 3, background: { r, g, b } } })
      .png()
      .toBuffer();
    const { picture } = await decode(pngWith(png, chunk));
    for (const [k, byte] of shown.entries())
      expect(Math.abs((picture.data[k] as number) - byte)).toBeLessThanOrEqual(2);
  });

  test('shows Display P3 told by code points as the same told by a profile', async () => {
    const wide = await shades(64, 48).withIccProfile('p3').png().toBuffer();
    const { data, info } = await sharp(wide, { ignoreIcc: true }).raw().toBuffer({ resolveWithObject: true });
    const { width, height } = info;
    const bare = await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer();
    const [coded, profiled] = [await decode(pngWith(bare, cicp(12, 13))), await decode(wide)];
    expect(coded.picture.data.every((byte, k) => Math.abs(byte - (profiled.picture.data[k] as number)) <= 2)).toBe(
      true,
    );
    expect(coded.pixelsSha256).not.toBe((await decode(bare)).pixelsSha256);
  });

  test('code points come before a profile', async () => {
    const wide = await blank(4, 4).removeAlpha().withIccProfile('p3').png().toBuffer();
    const pixels = await sharp(wide, { ignoreIcc: true }).raw().toBuffer();
    const { picture } = await decode(pngWith(wide, cicp(1, 13)));
    expect([...picture.data.subarray(0, 3)]).toEqual([...pixels.subarray(0, 3)]);
  });

  test.each([0.4, 120 / 255, 200 / 255, 254 / 255])(
    'brings a layer at an opacity of %f to its full opacity',
    async (opacity) => {
      const whole = await decode(Buffer.from(await emoji('cat')));
      const data = whole.picture.data.slice();
      for (let i = 3; i < data.length; i += 4) data[i] = Math.round((data[i] as number) * opacity);
      const { width, height } = whole.picture;
      const faint = await sharp(data, { raw: { width, height, channels: 4 } })
        .png()
        .toBuffer();
      const { picture } = await decode(faint);
      for (let i = 3; i < data.length; i += 4) {
        expect(Math.abs((picture.data[i] as number) - (whole.picture.data[i] as number))).toBeLessThanOrEqual(3);
      }
    },
  );

  test('a layer too faint to be made out is told by its opacity', async () => {
    await expect(decode(await blank(16, 16, 0.04).png().toBuffer())).rejects.toMatchObject({
      code: 'unprocessable_image',
      message: expect.stringMatching(/opacity of more than 4%/) as string,
    });
    expect((await decode(await blank(16, 16, 0).png().toBuffer())).picture.data[3]).toBe(0);
  });

  test('refuses 30,000 × 30,000 pixels from the header, without decoding them', async () => {
    const png = await blank(10, 10).png().toBuffer();
    // The header says so; the pixels are not even there.
    png.writeUInt32BE(30_000, 16);
    png.writeUInt32BE(30_000, 20);
    const crc = await import('node:zlib').then((zlib) => zlib.crc32(png.subarray(12, 29)));
    png.writeUInt32BE(crc, 29);
    await expect(decode(png)).rejects.toMatchObject({ code: 'image_too_many_pixels' });
  });
});
