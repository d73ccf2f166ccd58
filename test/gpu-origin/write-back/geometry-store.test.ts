import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { JobProgress } from '../../../contract/job.ts';
import type { Removals } from '../../../contract/removals.ts';
import { createEdgeClient } from '../../../gpu-origin/write-back/edge-client.ts';
import { GeometryStore } from '../../../gpu-origin/write-back/geometry-store.ts';
import { RemovalFollower } from '../../../gpu-origin/write-back/removal-follower.ts';
import { defaultParams } from '../pipeline/default-params.ts';
import { startEdgePeer, type EdgePeer, type PeerCall } from '../support/edge-peer.ts';
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
const stageOf = (bytes: Uint8Array) => JobProgress.parse(JSON.parse(new TextDecoder().decode(bytes))).stage;

async function openStore(bytesMax = 1_000_000) {
  const store = new GeometryStore({ folder, bytesMax, callEdge: client.call });
  await store.recover();
  return store;
}

test('a surface is kept here and at the edge, and read from here', async () => {
  const store = await openStore();
  await store.put(key(1), surface(1));
  store.send([key(1)]);
  await store.flush(10);
  expect(Buffer.from(edge.geometry.get(key(1)) ?? []).equals(surface(1))).toBe(true);
  const before = edge.calls.length;
  expect(Buffer.from((await store.get(key(1), signal)) ?? []).equals(surface(1))).toBe(true);
  expect(edge.calls.length).toBe(before);
});

test('only surfaces of a mesh that the edge has are sent, each once', async () => {
  const store = await openStore();
  for (const digit of [1, 2]) await store.put(key(digit), surface(digit));
  store.send([key(1), key(3)]);
  store.send([key(1)]);
  await store.flush(10);
  expect(edge.calls.map(({ path }) => path)).toEqual([`/origin/geometry/${key(1)}`]);
});

const digits = [1, 2, 3, 4, 5, 6];

async function sendAll(store: GeometryStore): Promise<void> {
  for (const digit of digits) await store.put(key(digit), surface(digit));
  store.send(digits.map(key));
}

test('surfaces beyond those that go at once follow by themselves', async () => {
  await sendAll(await openStore());
  await vi.waitFor(() => expect(edge.geometry.size).toBe(6));
});

test('an edge that is slow to take surfaces holds a stop up no longer than it may', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  edge.hold = () => promise;
  const store = await openStore();
  await sendAll(store);
  await vi.waitFor(() => expect(edge.calls).toHaveLength(4));
  const startMs = Date.now();
  await store.flush(0.2);
  expect(Date.now() - startMs).toBeLessThan(5000);
  resolve();
  expect(edge.calls).toHaveLength(4); // the other two have not begun
  expect(await readdir(folder)).toHaveLength(6);
});

test('a surface that there is no room for is not sent', async () => {
  const store = await openStore(0);
  await store.put(key(1), surface(1));
  store.send([key(1)]);
  await store.flush(10);
  expect([await readdir(folder), edge.calls]).toEqual([[], []]);
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
  expect((await readdir(folder)).toSorted()).toEqual([key(1), key(3), key(4)]);
  expect(store.bytes).toBeLessThanOrEqual(3200);
});

test('what an earlier process kept is found again', async () => {
  const store = await openStore();
  await store.put(key(1), surface(1));
  edge.geometry.clear();
  const next = await openStore();
  expect(next.bytes).toBe(store.bytes);
  expect((await next.get(key(1), signal))?.[0]).toBe(1);
});

test('a damaged file counts as absent and is removed', async () => {
  const store = await openStore();
  await store.put(key(1), surface(1));
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
  store.send([key(1)]);
  await store.flush(10);
  expect((await store.get(key(1), signal))?.[0]).toBe(1);
});

test('a surface that is removed while it comes from the edge is given, and not kept', async () => {
  edge.geometry.set(key(2), surface(2));
  const store = await openStore();
  const { promise, resolve } = Promise.withResolvers<void>();
  edge.hold = () => promise;
  const got = store.get(key(2), signal);
  await store.forget([key(2)]);
  resolve();
  expect((await got)?.[0]).toBe(2);
  expect(await readdir(folder)).toEqual([]);
});

test('a surface that is removed while it is written from the edge is not kept', async () => {
  edge.geometry.set(key(2), new Uint8Array(40_000_000));
  const store = await openStore(50_000_000);
  const got = store.get(key(2), signal);
  await vi.waitFor(async () => expect(await readdir(folder)).toHaveLength(1), { timeout: 25_000, interval: 1 });
  await store.forget([key(2)]);
  expect((await got)?.length).toBe(40_000_000);
  expect([await readdir(folder), store.bytes]).toEqual([[], 0]);
});

test('a surface that is removed before it was sent stays here', async () => {
  const store = await openStore();
  await store.put(key(1), surface(1));
  await store.forget([key(1)]);
  store.send([key(1)]);
  await store.flush(10);
  expect([edge.geometry.size, store.bytes]).toEqual([0, 0]);
});

/** Follows the edge's list as a process does that starts now. */
async function openFollower(geometry: GeometryStore) {
  const follower = new RemovalFollower({ file: `${folder}-place`, geometry, callEdge: client.call });
  await follower.recover();
  return follower;
}

test('what the edge has removed goes page by page, once, and after a restart from where it was', async () => {
  const pages: Record<number, Removals> = {
    0: { to: 10, all: true, surfaces: [] },
    10: { to: 20, all: false, surfaces: [key(1), key(2)] },
    20: { to: 30, all: false, surfaces: [key(3)] },
    30: { to: 40, all: false, surfaces: [key(4)] },
  };
  edge.removals = (after) => pages[after] ?? { to: after, all: false, surfaces: [] };
  const asked = () => edge.calls.filter(({ path }) => path.startsWith('/origin/removals')).length;
  const store = await openStore();
  const follower = await openFollower(store);
  await store.put(key(9), surface(9)); // of before there was a list
  await follower.follow({ id: 'a', removedTo: 10 });
  expect(await readdir(folder)).toEqual([]);
  for (const digit of [1, 2, 3, 4, 5]) await store.put(key(digit), surface(digit));
  await follower.follow({ id: 'a', removedTo: 30 });
  expect((await readdir(folder)).toSorted()).toEqual([key(4), key(5)]);
  await follower.follow({ id: 'a', removedTo: 30 });
  expect(asked()).toBe(3);
  const restarted = await openFollower(store);
  await restarted.follow({ id: 'a', removedTo: 40 });
  expect([await readdir(folder), asked()]).toEqual([[key(5)], 4]);
  await rm(`${folder}-place`);
});

test('a list that cannot be read is read at the next report', async () => {
  const store = await openStore();
  const follower = await openFollower(store);
  await store.put(key(1), surface(1));
  edge.removals = () => ({ to: 10, all: true, surfaces: [] });
  edge.answer = ({ path }) => (path.startsWith('/origin/removals') ? 503 : null);
  await follower.follow({ id: 'a', removedTo: 10 });
  expect(await readdir(folder)).toEqual([key(1)]);
  edge.answer = () => null;
  await follower.follow({ id: 'a', removedTo: 10 });
  expect(await readdir(folder)).toEqual([]);
  await rm(`${folder}-place`);
});

test('a list that gives no answer is given up, is asked for by one call at a time, and is read later', async () => {
  const store = await openStore();
  const follower = await openFollower(store);
  await store.put(key(1), surface(1));
  edge.removals = () => ({ to: 10, all: true, surfaces: [] });
  edge.hold = () => new Promise(() => {});
  const given = follower.follow({ id: 'a', removedTo: 10 });
  await follower.follow({ id: 'a', removedTo: 10 });
  await given;
  expect([await readdir(folder), edge.calls.length]).toEqual([[key(1)], 1]);
  edge.hold = () => Promise.resolve();
  await follower.follow({ id: 'a', removedTo: 10 });
  expect(await readdir(folder)).toEqual([]);
  await rm(`${folder}-place`);
});

test.each<[string, (call: PeerCall) => boolean]>([
  ['ended while it was made', ({ path, bytes }) => path.startsWith('/origin/progress/') && stageOf(bytes) === 'encode'],
  ['made in vain', ({ path }) => path.startsWith('/origin/results/')],
])('a mesh that was %s leaves no surface', async (_, isRefused) => {
  const setting = await createSetting();
  try {
    const model = await writeModel(setting.modelsFolder, { depth: heavyInflation(1) });
    const origin = await setting.start({ GEOMETRY_CACHE_BYTES_MAX: String(2 ** 30), KERNEL_THREADS: '3' });
    const surfaces = () => readdir(join(setting.stateFolder, 'geometry'));
    // Refused when its surface is kept already, which one thread writes while the others encode and draw the thumbnail.
    setting.edge.hold = async (call) => {
      if (isRefused(call)) await setting.until(async () => expect(await surfaces()).toHaveLength(1));
    };
    setting.edge.answer = (call) => (isRefused(call) ? 410 : null);
    // It takes more than a second to encode: the refusal comes before the mesh.
    const params = { ...defaultParams, texture_resolution: 2048, compression: 'draco' } as const;
    await setting.accepted(origin, { model, params });
    await setting.until(() => expect(setting.edge.calls.some(isRefused)).toBe(true));
    await setting.until(async () => {
      expect(await setting.metric(origin, 'meshkiln_origin_jobs_active')).toBe(0);
      for (const kept of ['spool', 'outbox', 'geometry']) {
        expect(await readdir(join(setting.stateFolder, kept))).toEqual([]);
      }
    });
    expect(setting.edge.geometry.size).toBe(0);
  } finally {
    await setting.close();
  }
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

test('what a kill left of the place in the list is removed, and nothing else is', async () => {
  const file = join(folder, 'removals');
  await writeFile(file, '7');
  for (const name of ['removals.1234.partial', 'another.1234.partial']) await writeFile(join(folder, name), '8');
  const store = new GeometryStore({ folder: join(folder, 'geometry'), bytesMax: 0, callEdge: client.call });
  await new RemovalFollower({ file, geometry: store, callEdge: client.call }).recover();
  expect((await readdir(folder)).toSorted()).toEqual(['another.1234.partial', 'removals']);
});
