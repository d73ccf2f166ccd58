import sharp from 'sharp';
import { validateBytes } from 'gltf-validator';
import { afterAll, describe, expect, test } from 'vitest';
import { WebIO } from '@gltf-transform/core';
import type { MeshParams } from '../../../contract/key.ts';
import { createKernelPool } from '../../../gpu-origin/pipeline/kernel-pool.ts';
import { kernels as stages } from '../../../gpu-origin/pipeline/kernels.ts';
import { makeMesh, type MadeMesh, type MeshJob, type SurfaceStore } from '../../../gpu-origin/making/make-mesh.ts';
import { asManifold } from '../mesh/manifold.ts';
import { selfIntersections } from '../mesh/self-intersections.ts';
import { emoji, emojiNames, type EmojiName } from './emoji.ts';
import { defaultParams } from './default-params.ts';
import { realModel } from './real-model.ts';
import { silhouetteFrom } from './silhouette-from.ts';
import { silhouetteOverlap } from './silhouette-overlap.ts';

const bisque = await realModel('bisque');
const slip = await realModel('slip');
const kernels = createKernelPool({ threads: 2 });
afterAll(() => kernels.close());

const noStore: SurfaceStore = { get: () => Promise.resolve(null), put: () => Promise.resolve() };

const degradedRun: MeshJob['infer'] = async (run) => ({
  ...(await bisque.infer(run)),
  provider: 'cuda',
  degraded: true,
});

function memoryStore(): SurfaceStore & { kept: Map<string, Uint8Array> } {
  const kept = new Map<string, Uint8Array>();
  return {
    kept,
    get: (key) => Promise.resolve(kept.get(key) ?? null),
    put: (key, bytes) => Promise.resolve(void kept.set(key, bytes)),
  };
}

function make(image: Uint8Array, params: Partial<MeshParams> = {}, job: Partial<MeshJob> = {}): Promise<MadeMesh> {
  return makeMesh({
    image,
    params: { ...defaultParams, ...params },
    scope: 'shared',
    model: bisque.model,
    matting: null,
    infer: bisque.infer,
    kernels,
    geometry: noStore,
    onStage: () => undefined,
    signal: new AbortController().signal,
    ...job,
  });
}

async function readGlb(bytes: Uint8Array): Promise<{ positions: Float32Array; indices: Uint32Array }> {
  const document = await new WebIO().readBinary(bytes);
  const primitive = document.getRoot().listMeshes()[0]?.listPrimitives()[0];
  const positions = primitive?.getAttribute('POSITION')?.getArray();
  const indices = primitive?.getIndices()?.getArray();
  if (!positions || !indices) throw new Error('the file holds no triangles');
  return { positions: Float32Array.from(positions), indices: Uint32Array.from(indices) };
}

describe.each(Object.keys(emojiNames) as EmojiName[])('a picture of %s', (name) => {
  test('becomes a valid, watertight, manifold GLB of the size asked for, standing on the ground', async () => {
    const { asset, thumbnail } = await make(await emoji(name));
    const report = await validateBytes(asset.bytes);
    expect(report.issues.messages.filter((issue) => issue.severity < 2)).toEqual([]);
    const { positions, indices } = await readGlb(asset.bytes);
    expect(asset.watertight).toBe(true);
    expect(asManifold(positions, indices)).toMatchObject({ status: 'NoError' });
    expect(asManifold(positions, indices).volume).toBeGreaterThan(0);
    const [low, high] = asset.bounds;
    expect(Math.max(...high.map((value, axis) => value - (low[axis] as number)))).toBeCloseTo(0.1, 5);
    expect(low[1]).toBeCloseTo(0, 6);
    const picture = await sharp(thumbnail?.bytes).metadata();
    expect(picture).toMatchObject({ width: 256, height: 256, format: 'webp', hasAlpha: true });
  });
});

test.each(['teddyBear', 'doughnut', 'key', 'scissors', 'glasses'] as const)(
  'the silhouette of %s as the camera sees it is its matte',
  async (name) => {
    expect(silhouetteOverlap(await geometryOf(name))).toBeGreaterThan(0.97);
  },
);

test.each(['teddyBear', 'car', 'scissors'] as const)(
  'no triangle of %s goes through another that it does not touch',
  async (name) => {
    const { positions, indices } = await readGlb((await make(await emoji(name))).asset.bytes);
    expect(selfIntersections(positions, indices)).toEqual([]);
  },
);

test.each(['teddyBear', 'key', 'car'] as const)(
  'the thumbnail of %s shows it from 30° to the right and 15° above, in the colours of its picture',
  async (name) => {
    const image = await emoji(name);
    const { asset, thumbnail } = await make(image);
    const { data } = await sharp(thumbnail?.bytes).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
    const expected = silhouetteFrom(await readGlb(asset.bytes), { yawDegrees: 30, pitchDegrees: 15, size: 256 });
    let [both, either] = [0, 0];
    for (const [i, inMesh] of expected.entries()) {
      const drawn = (data[4 * i + 3] as number) >= 128;
      if (drawn && inMesh) both++;
      if (drawn || inMesh) either++;
    }
    expect(both / either).toBeGreaterThan(0.97);
    const seen = await palette(data);
    expect(seen.shades).toBeGreaterThan(100);
    const wanted = await palette(await sharp(image).resize(256, 256).ensureAlpha().raw().toBuffer());
    for (const [c, value] of seen.mean.entries()) expect(Math.abs(value - (wanted.mean[c] ?? NaN))).toBeLessThan(0.05);
  },
);

/** How many colours what is opaque has, and each channel's share of its light. */
async function palette(pixels: Uint8Array): Promise<{ shades: number; mean: number[] }> {
  const sum = [0, 0, 0];
  const shades = new Set<string>();
  for (let i = 0; i < pixels.length; i += 4) {
    if ((pixels[i + 3] as number) < 250) continue;
    for (const c of [0, 1, 2]) sum[c] = (sum[c] ?? 0) + (pixels[i + c] as number);
    shades.add(pixels.subarray(i, i + 3).join());
  }
  const light = sum.reduce((all, each) => all + each, 0);
  return { shades: shades.size, mean: sum.map((each) => each / light) };
}

async function genus(name: EmojiName): Promise<number> {
  const { positions, indices } = await readGlb((await make(await emoji(name))).asset.bytes);
  return asManifold(positions, indices).genus;
}

async function geometryOf(name: EmojiName) {
  const store = memoryStore();
  await make(await emoji(name), {}, { geometry: store });
  const [record = new Uint8Array()] = store.kept.values();
  return (await stages.readRecord(record)).geometry;
}

describe('a mesh', () => {
  test('has the same bytes whenever it is made', async () => {
    const [first, second] = await Promise.all([make(await emoji('cup')), make(await emoji('cup'))]);
    expect(Buffer.compare(first.asset.bytes, second.asset.bytes)).toBe(0);
    expect(Buffer.compare(first.thumbnail?.bytes ?? Buffer.of(1), second.thumbnail?.bytes ?? Buffer.of(2))).toBe(0);
  });

  test('has the holes of its picture', async () => {
    expect([await genus('doughnut'), await genus('key'), await genus('teddyBear')]).toEqual([1, 1, 0]);
  });

  test('is told stage by stage, in order, with growing progress', async () => {
    const told: [string, number][] = [];
    const made = await make(await emoji('key'), {}, { onStage: (stage, progress) => told.push([stage, progress]) });
    expect(told.map(([stage]) => stage)).toEqual(['decode', 'matte', 'infer', 'surface', 'texture', 'encode']);
    expect(told.map(([, progress]) => progress)).toEqual(
      told.map(([, progress]) => progress).toSorted((a, b) => a - b),
    );
    expect(Object.keys(made.stagesMs)).toEqual(told.map(([stage]) => stage));
    expect(Object.values(made.stagesMs).every((ms) => ms > 0)).toBe(true);
    expect(made.gpuMs).toBeGreaterThan(0);
  });

  test('is no longer made once its signal fires between stages', async () => {
    const controller = new AbortController();
    const infer: MeshJob['infer'] = async (run) => {
      controller.abort();
      return bisque.infer(run);
    };
    const told: string[] = [];
    const made = make(
      await emoji('key'),
      {},
      { infer, signal: controller.signal, onStage: (stage) => told.push(stage) },
    );
    await expect(made).rejects.toMatchObject({ name: 'AbortError' });
    expect(told.at(-1)).toBe('infer');
  });

  test('is marked with the provider and the fallback of the run that made it', async () => {
    const store = memoryStore();
    const made = await make(await emoji('key'), {}, { infer: degradedRun, geometry: store });
    expect(made).toMatchObject({ provider: 'cuda', degraded: true, reused: null });
    expect(store.kept.size).toBe(0); // a fallback's geometry must not outlive its ten minutes
  });
});

describe('a known geometry', () => {
  test('is used again for other formats, sizes, face counts and encodings of the picture, with no run', async () => {
    const store = memoryStore();
    const image = await emoji('doughnut');
    const fresh = await make(image, { output_format: 'stl' }, { geometry: store });
    expect(fresh.reused).toBeNull();
    const runs = bisque.runs();
    const asPng = new Uint8Array(await sharp(image).png().toBuffer());
    const others: Partial<MeshParams>[] = [
      { output_format: 'stl' },
      { target_face_count: 500 },
      { largest_dimension_mm: 7 },
      { compression: 'meshopt' },
      { texture: false },
    ];
    for (const params of others) {
      const made = await make(asPng, params, { geometry: store });
      expect(made).toMatchObject({ reused: 'geometry', gpuMs: 0, provider: 'cpu' });
    }
    expect(bisque.runs()).toBe(runs);
    expect(store.kept.size).toBe(1);
  });

  test('gives the same bytes as a fresh run', async () => {
    const store = memoryStore();
    const image = await emoji('cat');
    const fresh = await make(image, {}, { geometry: store });
    const again = await make(image, {}, { geometry: store });
    expect(again.reused).toBe('geometry');
    expect(Buffer.compare(fresh.asset.bytes, again.asset.bytes)).toBe(0);
  });

  test('is not shared between scopes, mattes and foreground ratios', async () => {
    const store = memoryStore();
    const image = await emoji('key');
    await make(image, {}, { geometry: store });
    await make(image, {}, { geometry: store, scope: 'tenant_7' });
    await make(image, { foreground_ratio: 0.7 }, { geometry: store });
    await make(image, { remove_background: false }, { geometry: store });
    expect(store.kept.size).toBe(4);
  });

  test('that is damaged, or in a store that fails, costs a run and no more', async () => {
    const image = await emoji('key');
    const damaged: SurfaceStore = { ...noStore, get: () => Promise.resolve(new Uint8Array(100)) };
    const failing: SurfaceStore = {
      get: () => Promise.reject(new Error('the disk is on fire')),
      put: () => Promise.reject(new Error('the disk is on fire')),
    };
    for (const geometry of [damaged, failing]) {
      expect(await make(image, {}, { geometry })).toMatchObject({ reused: null, asset: { watertight: true } });
    }
  });
});

const opaque = () =>
  sharp({ create: { width: 64, height: 64, channels: 3, background: '#777' } })
    .png()
    .toBuffer();

describe('an image at fault', () => {
  test('reaches the caller as its Problem, through the worker threads', async () => {
    await expect(make(new TextEncoder().encode('no picture'))).rejects.toMatchObject({
      name: 'Problem',
      code: 'invalid_image',
      status: 400,
    });
  });

  test.each(['auto', true, false] as const)(
    'that is opaque is unprocessable with remove_background %s and no matting model, never a slab',
    async (remove_background) => {
      await expect(make(await opaque(), { remove_background })).rejects.toMatchObject({ code: 'unprocessable_image' });
    },
  );

  test('that is transparent all over, or holds a mere speck, is unprocessable', async () => {
    const clear = sharp({ create: { width: 64, height: 64, channels: 4, background: '#0000' } });
    const dot = await sharp({ create: { width: 3, height: 3, channels: 4, background: '#f00f' } })
      .png()
      .toBuffer();
    const speck = await clear
      .clone()
      .composite([{ input: dot, left: 9, top: 9 }])
      .png()
      .toBuffer();
    for (const image of [await clear.png().toBuffer(), speck]) {
      await expect(make(image)).rejects.toMatchObject({ code: 'unprocessable_image' });
    }
  });
});

describe('a picture with no transparency', () => {
  /** A thing before a ground that runs from blue to green, as a camera might have it. */
  async function opaquePicture(name: EmojiName): Promise<Uint8Array> {
    const [width, height] = [300, 260];
    const ground = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
      const down = Math.floor(i / 3 / width) / height;
      return [30, 60 + 120 * down, 190 - 120 * down][i % 3] as number;
    });
    const thing = await sharp(await emoji(name))
      .resize(220, 220)
      .png()
      .toBuffer();
    return sharp(ground, { raw: { width, height, channels: 3 } })
      .composite([{ input: thing, left: 40, top: 20 }])
      .jpeg({ quality: 92 })
      .toBuffer();
  }

  const both: MeshJob['infer'] = (run) => (run.graph === 'matte' ? slip : bisque).infer(run);

  test.each(['teddyBear', 'doughnut', 'cup'] as const)(
    'of %s has its background removed by the matting model',
    async (name) => {
      const store = memoryStore();
      const made = await make(await opaquePicture(name), {}, { matting: slip.model, infer: both, geometry: store });
      expect(made.asset.watertight).toBe(true);
      const [record = new Uint8Array()] = store.kept.values();
      const { canvas } = (await stages.readRecord(record)).geometry;
      const truth = (await geometryOf(name)).canvas;
      const matte = (picture: typeof canvas) =>
        sharp(picture?.data, { raw: { width: picture?.width ?? 0, height: picture?.height ?? 0, channels: 4 } })
          .extractChannel(3)
          .resize(128, 128)
          .raw()
          .toBuffer();
      const [found, wanted] = [await matte(canvas), await matte(truth)];
      let [inBoth, inEither] = [0, 0];
      for (const [i, alpha] of found.entries()) {
        const [a, b] = [alpha >= 128, (wanted[i] as number) >= 128];
        if (a && b) inBoth++;
        if (a || b) inEither++;
      }
      expect(inBoth / inEither).toBeGreaterThan(0.9);
    },
  );

  test('in which nothing stands out is unprocessable', async () => {
    const wall = await sharp({ create: { width: 200, height: 200, channels: 3, background: '#789' } })
      .png()
      .toBuffer();
    const made = make(wall, {}, { matting: slip.model, infer: both });
    await expect(made).rejects.toMatchObject({ code: 'unprocessable_image' });
  });
});
