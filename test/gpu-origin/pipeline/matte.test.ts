import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { resample } from '../../../gpu-origin/mesh/resample.ts';
import { cutOut } from '../../../gpu-origin/pipeline/canvas.ts';
import { decode } from '../../../gpu-origin/pipeline/decode.ts';
import { alphaMatte, matteSource } from '../../../gpu-origin/pipeline/matte.ts';
import type { Picture } from '../../../gpu-origin/pipeline/picture.ts';
import { refineMatte } from '../../../gpu-origin/pipeline/refine-matte.ts';
import { mattingTensor, squareAround, type Tensor } from '../../../gpu-origin/pipeline/tensor.ts';
import { seededRandom } from '../mesh/shapes.ts';
import { emoji, type EmojiName } from './emoji.ts';

function opaque(width: number, height: number): Picture {
  return { width, height, data: new Uint8Array(width * height * 4).fill(255) };
}

function withClearPixels(share: number): Picture {
  const picture = opaque(100, 100);
  for (let i = 0; i < share * 10_000; i++) picture.data[4 * i + 3] = 0;
  return picture;
}

/** Opaque where a shape says so, black and clear elsewhere. */
function shaped(width: number, height: number, inside: (x: number, y: number) => boolean): Picture {
  const picture = opaque(width, height);
  for (let i = 0; i < width * height; i++) {
    if (!inside(i % width, Math.floor(i / width))) picture.data.fill(0, 4 * i, 4 * i + 4);
  }
  return picture;
}

const rounded = (side: number, radius: number) => (x: number, y: number) => {
  const beyond = (at: number) => Math.max(radius - at - 0.5, at + 0.5 - (side - radius), 0);
  return Math.hypot(beyond(x), beyond(y)) <= radius;
};

/** Real pictures whose background is still there, but for their corners, a frame or bars. */
const framed: [string, Picture][] = [
  ['round corners', shaped(200, 200, rounded(200, 20))],
  ['rounder corners', shaped(200, 200, rounded(200, 48))],
  ['a frame of one pixel', shaped(200, 150, (x, y) => x > 0 && y > 0 && x < 199 && y < 149)],
  ['a frame of eight pixels', shaped(200, 200, (x, y) => Math.min(x, y, 199 - x, 199 - y) >= 8)],
  ['bars above and below', shaped(200, 200, (_, y) => y >= 15 && y < 185)],
  ['one corner cut off', shaped(200, 200, (x, y) => x + y > 40)],
];

describe('where the matte comes from', () => {
  test.each(framed)('a picture with %s has its background removed', (_, picture) => {
    expect(matteSource(picture, 'auto')).toBe('model');
    expect(matteSource(picture, false)).toBe('alpha');
  });

  test.each([
    ['a disc', shaped(200, 200, (x, y) => Math.hypot(x - 99.5, y - 99.5) < 100)],
    ['a box in the middle', shaped(200, 200, (x, y) => Math.min(x, y, 199 - x, 199 - y) >= 20)],
    ['a frame with a hole', shaped(200, 200, (x, y) => Math.min(x, y, 199 - x, 199 - y) < 60)],
    ['nothing', shaped(200, 200, () => false)],
  ])('a picture whose alpha shows %s keeps it', (_, picture) => {
    expect(matteSource(picture, 'auto')).toBe('alpha');
  });

  test.each([
    ['auto', withClearPixels(0.3), 'alpha'],
    ['auto', opaque(100, 100), 'model'],
    ['auto', withClearPixels(0.001), 'model'],
    [true, withClearPixels(0.3), 'model'],
    [false, withClearPixels(0.3), 'alpha'],
  ] as const)('remove_background %s (case %#)', (removeBackground, picture, source) => {
    expect(matteSource(picture, removeBackground)).toBe(source);
  });

  test('an opaque picture whose background may not be removed is unprocessable', () => {
    expect(() => matteSource(opaque(9, 9), false)).toThrow(
      expect.objectContaining({ code: 'unprocessable_image', param: 'remove_background' }),
    );
  });
});

/** A picture of a thing before a gradient, with the truth and a coarse prediction of it, as a model of 64² would give. */
async function composite(name: EmojiName, width = 256, height = 256) {
  const size = 64;
  const cut = await sharp(await emoji(name))
    .resize(width, height, { fit: 'contain', background: '#0000' })
    .png()
    .toBuffer();
  const truth = (await decode(cut)).picture;
  const data = truth.data.slice();
  for (let i = 0; i < width * height; i++) {
    const alpha = (data[4 * i + 3] as number) / 255;
    const ground = [40 + (i % width) / 4, 120, 200 - i / width / 4];
    for (let c = 0; c < 3; c++) {
      data[4 * i + c] = Math.round(alpha * (data[4 * i + c] as number) + (1 - alpha) * (ground[c] as number));
    }
    data[4 * i + 3] = 255;
  }
  const alpha = Float32Array.from({ length: width * height }, (_, i) => (truth.data[4 * i + 3] as number) / 255);
  const coarse = resample(
    { data: alpha, width, height, channels: 1 },
    squareAround(truth),
    { width: size, height: size },
    { filter: 'area', beyond: 'clamp' },
  ).data;
  const prediction: Tensor = { data: coarse, dims: [1, 1, size, size] };
  return { picture: { width, height, data }, alpha, prediction };
}

function overlap(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let both = 0;
  let either = 0;
  for (let i = 0; i < a.length; i++) {
    const [inA, inB] = [(a[i] as number) >= 0.5, (b[i] as number) >= 0.5];
    if (inA && inB) both++;
    if (inA || inB) either++;
  }
  return both / either;
}

describe('a predicted matte', () => {
  test.each(['teddyBear', 'key', 'scissors'] as const)('of %s is refined to the edges of the picture', async (name) => {
    const { picture, alpha, prediction } = await composite(name);
    const refined = refineMatte(picture, prediction);
    expect([refined.width, refined.height]).toEqual([256, 256]);
    const plain = resample(
      { data: prediction.data, width: 64, height: 64, channels: 1 },
      { x: 0, y: 0, width: 64, height: 64 },
      { width: 256, height: 256 },
      { filter: 'smooth', beyond: 'clamp' },
    ).data;
    expect(overlap(refined.alpha, alpha)).toBeGreaterThan(0.96);
    expect(overlap(refined.alpha, alpha)).toBeGreaterThan(overlap(plain, alpha));
  });

  test('fits a picture that is not square, whose model sees it in the middle of a square', async () => {
    const { picture, alpha, prediction } = await composite('cat', 320, 200);
    const input = mattingTensor({ picture, size: 64 });
    expect(input.dims).toEqual([1, 3, 64, 64]);
    expect(overlap(refineMatte(picture, prediction).alpha, alpha)).toBeGreaterThan(0.94);
  });

  test('does not see the colours of what is see-through', async () => {
    const { picture } = await composite('cat', 128, 128);
    const border = (i: number) =>
      Math.min(i % 128, Math.floor(i / 128), 127 - (i % 128), 127 - Math.floor(i / 128)) < 8;
    const [black, white] = [0, 255].map((byte) => {
      const data = picture.data.slice();
      for (let i = 0; i < 128 * 128; i++) if (border(i)) data.set([byte, byte, byte, 0], 4 * i);
      return mattingTensor({ picture: { ...picture, data }, size: 64 });
    });
    expect(black).toEqual(white);
    // The border goes on as what it surrounds, not as black.
    expect(Math.abs((black?.data[0] ?? 0) - 40 / 255)).toBeLessThan(0.1);
  });

  test('keeps what is see-through in the picture itself', async () => {
    const { picture, prediction } = await composite('cat');
    for (let i = 0; i < 256 * 128; i++) picture.data[4 * i + 3] = 0;
    const { alpha } = refineMatte(picture, prediction);
    expect(alpha.subarray(0, 256 * 128).every((value) => value === 0)).toBe(true);
  });

  test.each([
    ['nothing', () => 0],
    ['everything', () => 1],
    ['no decision anywhere', () => 0.5],
    ['noise about a half', seededRandom(3)],
  ])('that shows %s is unprocessable_image, never a slab', async (_, value) => {
    const { picture } = await composite('cat');
    const prediction = { data: Float32Array.from({ length: 64 * 64 }, value), dims: [1, 1, 64, 64] };
    expect(() => refineMatte(picture, prediction)).toThrow(expect.objectContaining({ code: 'unprocessable_image' }));
  });
});

/** A white box on a clear picture. */
function block(width: number, height: number, box: { x: number; y: number; width: number; height: number }): Picture {
  const picture = { width, height, data: new Uint8Array(width * height * 4) };
  for (let y = box.y; y < box.y + box.height; y++) {
    picture.data.fill(255, (y * width + box.x) * 4, (y * width + box.x + box.width) * 4);
  }
  return picture;
}

describe('the canvas', () => {
  test.each([0.5, 0.85, 1])('holds the object in its middle, the longer side filling %f of it', (ratio) => {
    const picture = block(300, 200, { x: 190, y: 20, width: 100, height: 40 });
    const canvas = cutOut(picture, alphaMatte(picture), ratio);
    expect(canvas.width).toBe(canvas.height);
    expect(100 / canvas.width).toBeCloseTo(ratio, 2);
    const [left, right, top, bottom] = bounds(canvas);
    expect(Math.abs(left - (canvas.width - 1 - right))).toBeLessThanOrEqual(1);
    expect(Math.abs(top - (canvas.height - 1 - bottom))).toBeLessThanOrEqual(1);
  });

  test('is not centred on specks', () => {
    const picture = block(256, 256, { x: 20, y: 20, width: 80, height: 80 });
    picture.data.fill(255, (250 * 256 + 250) * 4, (250 * 256 + 252) * 4);
    expect(cutOut(picture, alphaMatte(picture), 0.8).width).toBe(100);
  });

  test('is at most 2048 pixels wide', () => {
    const picture = block(2048, 64, { x: 0, y: 0, width: 2048, height: 64 });
    const canvas = cutOut(picture, alphaMatte(picture), 0.5);
    expect(canvas.width).toBe(2048);
    const [left, right] = bounds(canvas);
    expect(right - left + 1).toBe(1024);
  });

  test('is refused with words where all of the object is specks', () => {
    const picture = block(512, 512, { x: 9, y: 9, width: 1, height: 1 });
    for (const at of [50_000, 150_000, 250_000]) picture.data.fill(255, 4 * at, 4 * at + 4);
    expect(() => cutOut(picture, alphaMatte(picture), 0.85)).toThrow('too small or too scattered');
  });

  test('is refused for an object of fewer than 8 pixels', () => {
    const picture = block(64, 64, { x: 9, y: 9, width: 7, height: 3 });
    expect(() => cutOut(picture, alphaMatte(picture), 0.85)).toThrow(
      expect.objectContaining({ code: 'unprocessable_image' }),
    );
  });
});

function bounds({ width, height, data }: Picture): [number, number, number, number] {
  let [left, right, top, bottom] = [width, -1, height, -1];
  for (let i = 0; i < width * height; i++) {
    if ((data[4 * i + 3] as number) < 128) continue;
    left = Math.min(left, i % width);
    right = Math.max(right, i % width);
    top = Math.min(top, Math.floor(i / width));
    bottom = Math.max(bottom, Math.floor(i / width));
  }
  return [left, right, top, bottom];
}
