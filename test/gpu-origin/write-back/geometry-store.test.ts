import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createEdgeClient } from '../../../gpu-origin/write-back/edge-client.ts';
import { GeometryStore } from '../../../gpu-origin/write-back/geometry-store.ts';
import { startEdgePeer, type EdgePeer } from '../support/edge-peer.ts';
import { known } from '../support/origin-process.ts';
import { heavyInflation, writeModel } from '../support/models.ts';
import { jobFor, sendJob } from '../support/send-job.ts';
import { createSetting } from '../support/setting.ts';

let folder = '';
let edge: EdgePeer;
let client: ReturnType<typeof createEdgeClient>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'geometry-'));
  edge = await startEdgePeer(known);
  client = createEdgeClient(edge.url, known);
});
afterEach(async () => {
  await client.close();
  await edge.close();
  await rm(folder, { recursive: true });
});

const key = (digit: number) => String(digit).repeat(64);
const surface = (value: number) => new Uint8Array(1000).fill(value);
const signal = new AbortController().signal;

async function openStore(bytesMax = 1_000_000) {
  const store = new GeometryStore({ folder, bytesMax, callEdge: client.call });
  await store.recover();
  return store;
}

test('a surface is kept here and at the edge, and read from here', async () => {
  const store = await openStore();
  await store.put(key(1), surface(1));
  await store.flush();
  expect(Buffer.from(edge.geometry.get(key(1)) ?? []).equals(surface(1))).toBe(true);
  const before = edge.calls.length;
  expect(Buffer.from((await store.get(key(1), signal)) ?? []).equals(surface(1))).toBe(true);
  expect(edge.calls.length).toBe(before);
});

test('a surface that another origin made comes from the edge once', async () => {
  edge.geometry.set(key(2), surface(2));
  const store = await openStore();
  expect((await store.get(key(2), signal))?.[0]).toBe(2);
  expect((await store.get(key(2), signal))?.[0]).toBe(2);
  expect(edge.calls).toHaveLength(1);
  expect(await store.get(key(3), signal)).toBeNull();
});

test('the disk holds no more than its bytes, the least recently used goes first', async () => {
  const store = await openStore(3200);
  for (const digit of [1, 2, 3]) await store.put(key(digit), surface(digit));
  await store.get(key(1), signal);
  await store.put(key(4), surface(4));
  await store.flush();
  expect((await readdir(folder)).toSorted()).toEqual([key(1), key(3), key(4)]);
  expect(store.bytes).toBeLessThanOrEqual(3200);
});

test('what an earlier process kept is found again', async () => {
  const store = await openStore();
  await store.put(key(1), surface(1));
  await store.flush();
  edge.geometry.clear();
  const next = await openStore();
  expect(next.bytes).toBe(store.bytes);
  expect((await next.get(key(1), signal))?.[0]).toBe(1);
});

test('a damaged file counts as absent and is removed', async () => {
  const store = await openStore();
  await store.put(key(1), surface(1));
  await store.flush();
  edge.geometry.clear();
  const path = join(folder, key(1));
  await writeFile(path, (await readFile(path)).subarray(0, 500));
  expect(await store.get(key(1), signal)).toBeNull();
  expect(await readdir(folder)).toEqual([]);
});

test('an edge that does not answer costs a run and no more', async () => {
  await edge.close();
  const store = await openStore();
  expect(await store.get(key(1), signal)).toBeNull();
  await store.put(key(1), surface(1));
  await store.flush();
  expect((await store.get(key(1), signal))?.[0]).toBe(1);
});

test('another format of the same picture costs no run, also after a restart', async () => {
  const setting = await createSetting();
  try {
    const model = await writeModel(setting.modelsFolder, { depth: heavyInflation(2) });
    const environment = { GEOMETRY_CACHE_BYTES_MAX: String(2 ** 30) };
    const origin = await setting.start(environment);
    const first = jobFor(setting.image, { model });
    await sendJob(origin.url, first, setting.image);
    expect(await setting.result(first.key)).toMatchObject({ manifest: { reused: null } });
    await origin.kill('SIGKILL');
    const restarted = await setting.start(environment);
    const { texture: _texture, texture_resolution: _size, compression: _none, ...params } = first.params;
    const stl = jobFor(setting.image, { model, params: { ...params, output_format: 'stl' } });
    await sendJob(restarted.url, stl, setting.image);
    expect(await setting.result(stl.key)).toMatchObject({
      manifest: { outputFormat: 'stl', reused: 'geometry', gpuMs: 0 },
    });
    expect(await setting.metric(restarted, 'meshkiln_origin_gpu_runs_total{model="small@1"}')).toBeNull();
  } finally {
    await setting.close();
  }
});
