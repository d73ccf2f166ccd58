import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { MeshObject } from '../../contract/mesh.ts';
import type { MeshOptions } from '../../client/meshkiln.ts';
import { emoji, originCounter, startMeshkiln, type Running } from './meshkiln.ts';

let running: Running;
let bear: Uint8Array<ArrayBuffer>;
let first: MeshObject;

beforeAll(async () => {
  running = await startMeshkiln();
  bear = await emoji('1f9f8');
  first = await make(bear);
});
afterAll(() => running.close());

const gpuRuns = () => originCounter(running, 'meshkiln_origin_gpu_runs_total');

async function make(picture: Uint8Array<ArrayBuffer>, options: MeshOptions = {}): Promise<MeshObject> {
  return running.client.wait(await running.client.create(picture, options));
}

test.each<[string, MeshOptions]>([
  ['another format', { output_format: 'obj' }],
  ['another compression', { compression: 'meshopt' }],
  ['fewer faces', { target_face_count: 3000 }],
  ['another size', { largest_dimension_mm: 42 }],
  ['no texture', { texture: false }],
])('%s of a known picture is a miss that costs no GPU run', async (_change, options) => {
  const before = await gpuRuns();
  const mesh = await make(bear, options);
  expect(mesh.id).not.toBe(first.id);
  expect(mesh.cache).toMatchObject({ status: 'miss', reused: 'geometry' });
  expect(await gpuRuns()).toBe(before);
});

test('the same pixels in another file are made from the same surface', async () => {
  const before = await gpuRuns();
  const png = new Uint8Array(await sharp(bear).png().toBuffer());
  const mesh = await make(png);
  expect(mesh.id).not.toBe(first.id);
  expect(mesh.cache.reused).toBe('geometry');
  expect(mesh.asset?.sha256).toBe(first.asset?.sha256);
  expect(await gpuRuns()).toBe(before);
});

test('an origin that has never seen the picture takes the surface from the edge', async () => {
  await running.programs.origin.stop();
  await rm(join(running.stateFolder, 'origin'), { recursive: true });
  await running.programs.origin.start();
  const mesh = await make(bear, { output_format: 'ply' });
  expect(mesh.cache.reused).toBe('geometry');
  expect(await gpuRuns()).toBe(0);
});

test('a foreground ratio, which the model sees, is a GPU run', async () => {
  const before = await gpuRuns();
  expect((await make(bear, { foreground_ratio: 0.7 })).cache.reused).toBeNull();
  expect(await gpuRuns()).toBe(before + 1);
});
