import { WebIO } from '@gltf-transform/core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MeshParams } from '../../../contract/key.ts';
import { createKernelPool } from '../../../gpu-origin/pipeline/kernel-pool.ts';
import { makeMesh } from '../../../gpu-origin/making/make-mesh.ts';
import { defaultParams } from './default-params.ts';
import { emoji } from './emoji.ts';
import { realModel } from './real-model.ts';

type Colour = [red: number, green: number, blue: number];

const red: Colour = [210, 50, 40];
const green: Colour = [60, 170, 50];
/** The background, which no pixel of a mesh may have anything of. */
const blue: Colour = [0, 0, 255];

const { model, infer } = await realModel('bisque');
const kernels = createKernelPool({ threads: 1 });
afterAll(() => kernels.close());

/**
 * A disc, red on the left and green on the right, cut out of blue as pictures are: over its last four pixels it fades into
 * it, in its colours as in its alpha, and what is transparent is blue still.
 */
async function disc(): Promise<Uint8Array> {
  const size = 256;
  const radius = 96;
  const pixels = new Uint8Array(size * size * 4);
  for (let i = 0; i < size * size; i++) {
    const [x, y] = [(i % size) - size / 2, Math.floor(i / size) - size / 2];
    const alpha = Math.min(Math.max((radius - Math.hypot(x, y)) / 4, 0), 1);
    const own = x < 0 ? red : green;
    pixels.set([...own.map((value, c) => alpha * value + (1 - alpha) * (blue[c] ?? 0)), 255 * alpha], 4 * i);
  }
  return new Uint8Array(
    await sharp(pixels, { raw: { width: size, height: size, channels: 4 } })
      .png()
      .toBuffer(),
  );
}

/** A mesh as its file has it, with what its texture gives at a place. */
type Opened = {
  positions: Float32Array;
  normals: Float32Array;
  uvs: Float32Array | null;
  /** sRGB of each vertex. */
  colours: Colour[] | null;
  indices: Uint32Array;
  /** The texel nearest to texture coordinates, moved by so many texels. */
  texel(u: number, v: number, dx?: number, dy?: number): Colour;
};

async function make(image: Uint8Array, params: Partial<MeshParams> = {}): Promise<Opened> {
  const { asset } = await makeMesh({
    image,
    params: { ...defaultParams, texture_resolution: 512, ...params },
    scope: 'shared',
    model,
    matting: null,
    infer,
    kernels,
    geometry: { get: () => Promise.resolve(null), put: () => Promise.resolve() },
    onStage: () => undefined,
    signal: new AbortController().signal,
  });
  const root = (await new WebIO().readBinary(asset.bytes)).getRoot();
  const primitive = root.listMeshes()[0]?.listPrimitives()[0];
  const array = (name: string) => primitive?.getAttribute(name)?.getArray() ?? null;
  const colours = primitive?.getAttribute('COLOR_0') ?? null;
  const file = root.listTextures()[0]?.getImage() ?? null;
  const picture = file && (await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true }));
  return {
    positions: Float32Array.from(array('POSITION') ?? []),
    normals: Float32Array.from(array('NORMAL') ?? []),
    uvs: array('TEXCOORD_0') as Float32Array | null,
    colours: colours && Array.from({ length: colours.getCount() }, (_, v) => encoded(colours.getElement(v, []))),
    indices: Uint32Array.from(primitive?.getIndices()?.getArray() ?? []),
    texel(u, v, dx = 0, dy = 0) {
      if (picture === null) throw new Error('this mesh has no texture');
      const { width, height } = picture.info;
      const [x, y] = [Math.floor(u * width) + dx, Math.floor(v * height) + dy];
      return [...picture.data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3)] as Colour;
    },
  };
}

/** Linear light, which glTF has at vertices, as sRGB bytes. */
function encoded(linear: readonly number[]): Colour {
  const channel = (c: number) => Math.round(255 * (c <= 0.0031308 ? 12.92 * c : 1.055 * c ** (1 / 2.4) - 0.055));
  return [channel(linear[0] ?? NaN), channel(linear[1] ?? NaN), channel(linear[2] ?? NaN)];
}

/** Colours at the corners and in the middle of every triangle, and of the texels that filtering mixes in there. */
function coloursOf({ indices, uvs, texel }: Opened): Colour[] {
  if (uvs === null) throw new Error('this mesh has no texture coordinates');
  const found: Colour[] = [];
  for (let t = 0; t < indices.length; t += 3) {
    const corners = [...indices.subarray(t, t + 3)].map((v) => [uvs[2 * v] ?? NaN, uvs[2 * v + 1] ?? NaN] as const);
    const middle = [0, 1].map((k) => corners.reduce((sum, corner) => sum + (corner[k] ?? NaN) / 3, 0));
    for (const [u = NaN, v = NaN] of [...corners, middle]) {
      for (const dx of [-1, 0, 1]) for (const dy of [-1, 0, 1]) found.push(texel(u, v, dx, dy));
    }
  }
  return found;
}

const isBlue = ([r, g, b]: Colour) => b > 110 || r + g < 150;

describe('the texture of a disc that was cut out of blue', () => {
  let opened: Opened;
  beforeAll(async () => {
    opened = await make(await disc());
  });

  test('has nothing of the background wherever the mesh looks, nor in the texels beside that', () => {
    const colours = coloursOf(opened);
    expect(colours.length).toBeGreaterThan(100_000);
    expect(colours.filter(isBlue).length).toBe(0);
  });

  test('has the picture on its front, and its colours go on over rim and back', () => {
    const { positions, normals, uvs, texel } = opened;
    const wrong = { front: 0, rim: 0, back: 0 };
    const seen = { front: 0, rim: 0, back: 0 };
    for (let v = 0; v < positions.length / 3; v++) {
      const [x = 0, z = 0] = [positions[3 * v], normals[3 * v + 2]];
      if (Math.abs(x) < 0.01) continue; // where red and green meet, a tenth of the disc on each side
      const place = z > 0.4 ? 'front' : z < -0.4 ? 'back' : 'rim';
      const [r, g] = texel(uvs?.[2 * v] ?? NaN, uvs?.[2 * v + 1] ?? NaN);
      seen[place] += 1;
      if (x < 0 !== r > g) wrong[place] += 1;
    }
    expect(Math.min(seen.front, seen.rim, seen.back)).toBeGreaterThan(100);
    expect(wrong).toEqual({ front: 0, rim: 0, back: 0 });
  });
});

test('vertex colours have nothing of the background either', async () => {
  const { colours, uvs } = await make(await disc(), { texture: false });
  expect(uvs).toBeNull();
  expect(colours?.length).toBeGreaterThan(1000);
  expect(colours?.filter(isBlue).length).toBe(0);
});

test.each(['teddyBear', 'car', 'cat'] as const)('front, rim and back of %s meet without a seam', async (name) => {
  const { positions, uvs, texel } = await make(await emoji(name), { texture_resolution: 1024 });
  const places = new Map<string, [number, number][]>();
  for (let v = 0; v < positions.length / 3; v++) {
    const place = positions.subarray(3 * v, 3 * v + 3).join();
    places.set(place, [...(places.get(place) ?? []), [uvs?.[2 * v] ?? NaN, uvs?.[2 * v + 1] ?? NaN]]);
  }
  const differences: number[] = [];
  for (const [[u, v] = [NaN, NaN], ...others] of places.values()) {
    for (const [s, t] of others) {
      // On one chart they are the same texel: a crease, not a seam.
      if (s === u && t === v) continue;
      const other = texel(s, t);
      differences.push(Math.max(...texel(u, v).map((value, c) => Math.abs(value - (other[c] ?? NaN)))));
    }
  }
  const sorted = differences.toSorted((a, b) => a - b);
  expect(sorted.length).toBeGreaterThan(100);
  // JPEG's own noise is some 5 levels of 255, and 13 at its worst.
  expect(sorted[Math.floor(0.95 * sorted.length)]).toBeLessThan(10);
  expect(sorted.at(-1)).toBeLessThan(26);
});
