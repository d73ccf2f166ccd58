import { readFile, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { WebIO } from '@gltf-transform/core';
import { validateBytes } from 'gltf-validator';
import sharp, { type OverlayOptions } from 'sharp';
import { createKernelPool } from '../../gpu-origin/pipeline/kernel-pool.ts';
import { kernels as stages } from '../../gpu-origin/pipeline/kernels.ts';
import { makeMesh, type MadeMesh } from '../../gpu-origin/making/make-mesh.ts';
import { asManifold } from '../../test/gpu-origin/mesh/manifold.ts';
import { defaultParams } from '../../test/gpu-origin/pipeline/default-params.ts';
import type { realModel } from '../../test/gpu-origin/pipeline/real-model.ts';
import { silhouetteOverlap } from '../../test/gpu-origin/pipeline/silhouette-overlap.ts';

const folder = join(dirname(createRequire(import.meta.url).resolve('@lobehub/fluent-emoji-3d/package.json')), 'assets');
const pictureCount = 200;
const sheetColumns = 20;
const sheetTilePixels = 96;

/** What became of one picture. */
export type PictureResult = {
  picture: string;
  silhouette: number;
  watertight: boolean;
  manifold: boolean;
  errors: number;
  warnings: number;
  triangles: number;
  bytes: number;
  stagesMs: MadeMesh['stagesMs'];
  totalMs: number;
};

/** Makes a GLB of each of 200 pictures, evenly over the whole set, one after the other, and a sheet of their thumbnails. */
export async function evaluatePictures({ model, infer }: Awaited<ReturnType<typeof realModel>>, count = pictureCount) {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.webp')).toSorted();
  const chosen = Array.from({ length: count }, (_, i) => files[Math.floor((i * files.length) / count)] ?? '');
  const kernels = createKernelPool({ threads: 2 });
  const results: PictureResult[] = [];
  const tiles: OverlayOptions[] = [];
  for (const [i, picture] of ['warm-up', ...chosen].entries()) {
    const image = new Uint8Array(await readFile(join(folder, i === 0 ? (files[0] ?? '') : picture)));
    const records: Uint8Array[] = [];
    const since = performance.now();
    const made = await makeMesh({
      image,
      params: defaultParams,
      scope: 'shared',
      model,
      matting: null,
      infer,
      kernels,
      geometry: { get: () => Promise.resolve(null), put: (_, bytes) => Promise.resolve(void records.push(bytes)) },
      onStage: () => undefined,
      signal: new AbortController().signal,
    });
    const totalMs = performance.now() - since;
    if (i === 0) continue;
    results.push({ picture, totalMs, ...(await examine(made, records[0] ?? new Uint8Array())) });
    tiles.push({ input: await tile(made), ...placeOf(i - 1) });
  }
  await kernels.close();
  return { results, sheet: await sheetOf(tiles) };
}

async function examine(made: MadeMesh, record: Uint8Array): Promise<Omit<PictureResult, 'picture' | 'totalMs'>> {
  const { asset, stagesMs } = made;
  const { numErrors, numWarnings } = (await validateBytes(asset.bytes)).issues;
  const document = await new WebIO().readBinary(asset.bytes);
  const primitive = document.getRoot().listMeshes()[0]?.listPrimitives()[0];
  const positions = Float32Array.from(primitive?.getAttribute('POSITION')?.getArray() ?? []);
  const indices = Uint32Array.from(primitive?.getIndices()?.getArray() ?? []);
  return {
    silhouette: silhouetteOverlap((await stages.readRecord(record)).geometry),
    watertight: asset.watertight,
    manifold: asManifold(positions, indices).status === 'NoError',
    errors: numErrors,
    warnings: numWarnings,
    triangles: asset.faces,
    bytes: asset.bytes.length,
    stagesMs,
  };
}

function tile({ thumbnail }: MadeMesh): Promise<Buffer> {
  return sharp(thumbnail?.bytes).resize(sheetTilePixels, sheetTilePixels).png().toBuffer();
}

function placeOf(i: number): { left: number; top: number } {
  return { left: (i % sheetColumns) * sheetTilePixels, top: Math.floor(i / sheetColumns) * sheetTilePixels };
}

function sheetOf(tiles: OverlayOptions[]): Promise<Buffer> {
  const height = Math.ceil(tiles.length / sheetColumns) * sheetTilePixels;
  const ground = { width: sheetColumns * sheetTilePixels, height, channels: 3, background: '#e8e6f0' } as const;
  return sharp({ create: ground }).composite(tiles).webp({ quality: 80 }).toBuffer();
}
