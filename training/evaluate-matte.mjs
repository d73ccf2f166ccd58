// Scores a matting model on emoji over backgrounds that training never made, refined as the pipeline refines it:
// node evaluate-matte.mjs ../models/slip/1 [sheet.png]   PHOTOS=folder of photographs, COUNT=pictures
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import sharp from 'sharp';
import { refineMatte } from '../gpu-origin/pipeline/refine-matte.ts';
import { mattingTensor } from '../gpu-origin/pipeline/tensor.ts';

const [folder, sheetPath] = process.argv.slice(2);
const count = Number(process.env.COUNT ?? 120);
const photoFolder = process.env.PHOTOS ?? '/usr/share/backgrounds/mate/nature';
const emojiFolder = join(import.meta.dirname, '../node_modules/@lobehub/fluent-emoji-3d/assets');
const side = 256;
const kinds = ['gradient', 'noise', 'bricks', 'photograph'];

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const random = randomFrom(11);
const between = (low, high) => low + (high - low) * random();
const colour = () => [random(), random(), random()].map((v) => 255 * v);

function painted(at) {
  const data = Buffer.alloc(side * side * 3);
  for (let i = 0; i < side * side; i++) {
    const pixel = at((i % side) / (side - 1), Math.floor(i / side) / (side - 1));
    for (let c = 0; c < 3; c++) data[3 * i + c] = Math.min(Math.max(pixel[c], 0), 255);
  }
  return data;
}

function gradient() {
  const [a, b, c, d] = [colour(), colour(), colour(), colour()];
  return painted((x, y) => a.map((v, k) => (v * (1 - x) + b[k] * x) * (1 - y) + (c[k] * (1 - x) + d[k] * x) * y));
}

/** Five octaves of smoothed random cells. */
async function noise() {
  const octaves = [];
  for (const cells of [3, 6, 12, 24, 48]) {
    const grid = Buffer.from(Array.from({ length: cells * cells * 3 }, () => 255 * random()));
    const raw = { width: cells, height: cells, channels: 3 };
    octaves.push(await sharp(grid, { raw }).resize(side, side, { kernel: 'cubic' }).raw().toBuffer());
  }
  const [gain, shift] = [between(0.4, 1), colour().map((v) => 0.3 * v)];
  const at = (i, c) =>
    octaves.reduce((sum, octave, k) => sum + octave[3 * i + c] * 0.5 ** (k + 1), 0) * gain + shift[c];
  let i = 0;
  return painted(() => [at(i, 0), at(i, 1), at(i++, 2)]);
}

function bricks() {
  const [rows, columns] = [4 + Math.floor(10 * random()), 2 + Math.floor(6 * random())];
  const [joint, brick] = [colour(), colour()];
  const tones = Array.from({ length: (rows + 1) * (columns + 2) }, () => between(0.8, 1.2));
  return painted((x, y) => {
    const v = y * rows;
    const u = x * columns + 0.5 * (Math.floor(v) % 2);
    if (u % 1 < 0.06 || v % 1 < 0.1) return joint;
    return brick.map((value) => value * tones[Math.floor(v) * (columns + 2) + Math.floor(u)]);
  });
}

async function photograph(files) {
  const file = files[Math.floor(random() * files.length)];
  const { width, height } = await sharp(file).metadata();
  const crop = Math.floor(Math.min(width, height) * between(0.4, 1));
  const region = { left: Math.floor(random() * (width - crop + 1)), top: Math.floor(random() * (height - crop + 1)) };
  return sharp(file)
    .extract({ ...region, width: crop, height: crop })
    .resize(side, side)
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer();
}

/** An emoji at 60 to 95 % of the picture, anywhere in it, over `back`: the picture and its true alpha. */
async function composite(file, back) {
  const size = Math.floor(side * between(0.6, 0.95));
  const place = { left: Math.floor(random() * (side - size + 1)), top: Math.floor(random() * (side - size + 1)) };
  const emoji = await sharp(file).resize(size, size).ensureAlpha().png().toBuffer();
  const raw = (channels) => ({ raw: { width: side, height: side, channels } });
  const over = (base, channels) =>
    sharp(base, raw(channels))
      .composite([{ input: emoji, ...place }])
      .ensureAlpha()
      .raw()
      .toBuffer();
  const [data, layer] = [await over(back, 3), await over(Buffer.alloc(side * side * 4), 4)];
  return {
    picture: { width: side, height: side, data: new Uint8Array(data) },
    alpha: Float32Array.from({ length: side * side }, (_, i) => layer[4 * i + 3] / 255),
  };
}

function overlap(a, b) {
  let [both, either] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    both += a[i] >= 0.5 && b[i] >= 0.5 ? 1 : 0;
    either += a[i] >= 0.5 || b[i] >= 0.5 ? 1 : 0;
  }
  return both / Math.max(either, 1);
}

const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'));
const session = await InferenceSession.create(join(folder, manifest.graphs.matte.file), { intraOpNumThreads: 2 });

/** The pipeline's matte, or null where it refuses the picture. */
async function matteOf(picture) {
  const { data, dims } = mattingTensor({ picture, size: manifest.preprocessing.size });
  const { alpha } = await session.run({ image: new Tensor('float32', data, dims) });
  try {
    return refineMatte(picture, { data: alpha.data, dims: alpha.dims }).alpha;
  } catch (error) {
    if (error.code === 'unprocessable_image') return null;
    throw error;
  }
}

const photos = (await readdir(photoFolder))
  .toSorted()
  .filter((name) => /\.jpe?g$/.test(name))
  .map((name) => join(photoFolder, name));
const emoji = (await readdir(emojiFolder)).toSorted().filter((name) => name.endsWith('.webp'));
const makers = { gradient, noise, bricks, photograph: () => photograph(photos) };
const scores = Object.fromEntries(['all', ...kinds].map((kind) => [kind, []]));
const [tiles, empty] = [[], []];
let refused = 0;
for (let i = 0; i < count; i++) {
  const kind = kinds[i % kinds.length];
  const back = await makers[kind]();
  const { picture, alpha } = await composite(join(emojiFolder, emoji[Math.floor(random() * emoji.length)]), back);
  const matte = await matteOf(picture);
  if (matte === null) refused++;
  const score = matte === null ? 0 : overlap(matte, alpha);
  scores.all.push(score);
  scores[kind].push(score);
  const bare = Uint8Array.from({ length: side * side * 4 }, (_, k) =>
    k % 4 === 3 ? 255 : back[3 * (k >> 2) + (k % 4)],
  );
  empty.push((await matteOf({ width: side, height: side, data: bare })) === null);
  tiles.push(
    picture.data,
    Uint8Array.from({ length: side * side * 4 }, (_, k) => (k % 4 === 3 ? 255 : 255 * (matte?.[k >> 2] ?? 0))),
  );
}

scores['without bricks'] = kinds.filter((kind) => kind !== 'bricks').flatMap((kind) => scores[kind]);
for (const [kind, list] of Object.entries(scores)) {
  const sorted = list.toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.min(Math.floor(share * sorted.length), sorted.length - 1)].toFixed(3);
  console.log(
    `${kind}: ${list.length} pictures, median IoU ${at(0.5)}, tenth percentile ${at(0.1)}, from 0.92 up ${list.filter((v) => v >= 0.92).length}`,
  );
}
console.log(
  `refused ${refused} of ${count}; of ${count} backgrounds without an object ${empty.filter(Boolean).length}`,
);

if (sheetPath) {
  const [tile, across] = [128, 12];
  const shown = tiles.slice(0, 96);
  const inputs = await Promise.all(
    shown.map((data) =>
      sharp(data, { raw: { width: side, height: side, channels: 4 } })
        .resize(tile, tile)
        .png()
        .toBuffer(),
    ),
  );
  const placed = inputs.map((input, i) => ({ input, left: (i % across) * tile, top: Math.floor(i / across) * tile }));
  await sharp({
    create: { width: across * tile, height: Math.ceil(shown.length / across) * tile, channels: 3, background: 'black' },
  })
    .composite(placed)
    .png()
    .toFile(sheetPath);
}
