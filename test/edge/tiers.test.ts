import { env } from 'cloudflare:workers';
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { beforeEach, expect, test } from 'vitest';
import type { MeshManifest } from '../../contract/mesh.ts';
import { kvLifeSeconds } from '../../edge/store/kv.ts';
import { Manifests } from '../../edge/store/manifests.ts';
import { Memory, manifestMemory, memoryLifeSeconds } from '../../edge/store/memory.ts';
import { meshManifest } from '../mesh-manifest.ts';
import { failing, faultyKv, faultyR2, staleKv } from './faulty-storage.ts';

let nowMs = 1_795_000_000_000;
const now = () => nowMs;

beforeEach(async () => {
  for (const { name } of (await env.MANIFESTS.list()).keys) await env.MANIFESTS.delete(name);
  for (const { key } of (await env.STORE.list()).objects) await env.STORE.delete(key);
});

const r2Down = faultyR2(env.STORE, { get: failing('R2 is down') as R2Bucket['get'] });

/** The tiers as a fresh isolate has them, each call waited for until nothing goes on behind it. */
function isolate(storage: { kv?: KVNamespace; r2?: R2Bucket } = {}) {
  const memory = manifestMemory(now);
  const manifests = new Manifests({ kv: env.MANIFESTS, r2: env.STORE, ...storage, now, memory });
  return {
    manifests,
    read: (key: string) => settled((context) => manifests.read(key, context)),
    create: (manifest: MeshManifest) => settled((context) => manifests.create(manifest, context)),
    replace: (manifest: MeshManifest, etag: string | null) =>
      settled((context) => manifests.replace(manifest, etag, context)),
  };
}

async function settled<Result>(call: (context: ExecutionContext) => Promise<Result>): Promise<Result> {
  const context = createExecutionContext();
  const result = await call(context);
  await waitOnExecutionContext(context);
  return result;
}

test('a manifest is read from the nearest tier and fills the ones before it', async () => {
  const mesh = meshManifest('1');
  expect(await isolate().create(mesh)).toEqual({ manifest: mesh, created: true });
  await env.MANIFESTS.delete(`meshes/${mesh.key}.json`);
  const reader = isolate();
  expect(await reader.read(mesh.key)).toEqual({ manifest: mesh, tier: 'r2' });
  expect(await reader.read(mesh.key)).toEqual({ manifest: mesh, tier: 'memory' });
  const other = isolate();
  expect(await other.read(mesh.key)).toEqual({ manifest: mesh, tier: 'kv' });
  expect(await other.read(mesh.key)).toEqual({ manifest: mesh, tier: 'memory' });
});

test('the writer reads its own manifest from memory', async () => {
  const writer = isolate();
  await writer.create(meshManifest('1'));
  expect((await writer.read('1'.repeat(64)))?.tier).toBe('memory');
});

test('a mesh that nobody made is null', async () => {
  expect(await isolate().read('2'.repeat(64))).toBeNull();
});

test('memory trusts a manifest for no longer than its life', async () => {
  const reader = isolate();
  await reader.create(meshManifest('1'));
  nowMs += memoryLifeSeconds * 1000;
  expect((await reader.read('1'.repeat(64)))?.tier).toBe('kv');
});

test('a reader cannot change what others are given, nor can whoever wrote it', async () => {
  const reader = isolate();
  const written = meshManifest('1');
  await reader.create(written);
  written.timingsMs.total = -1;
  const first = await reader.read('1'.repeat(64));
  expect(() => Object.assign(first?.manifest ?? {}, { degraded: true })).toThrow(TypeError);
  expect(() => Object.assign(first?.manifest.timingsMs ?? {}, { total: 0 })).toThrow(TypeError);
  expect((await reader.read('1'.repeat(64)))?.manifest).toEqual(meshManifest('1'));
});

test('the first writer is canonical', async () => {
  const [first, second] = [meshManifest('1', { gpuMs: 1 }), meshManifest('1', { gpuMs: 2 })];
  await isolate().create(first);
  const late = isolate();
  expect(await late.create(second)).toEqual({ manifest: first, created: false });
  expect((await late.read(first.key))?.manifest).toEqual(first);
});

test('of eight creators at once all return the same manifest', async () => {
  const results = await Promise.all(
    Array.from({ length: 8 }, (_, gpuMs) => isolate().create(meshManifest('1', { gpuMs }))),
  );
  expect(results.filter(({ created }) => created)).toHaveLength(1);
  expect(new Set(results.map(({ manifest }) => manifest.gpuMs)).size).toBe(1);
});

test('an expired manifest is absent in every tier and gives way to a new one', async () => {
  const short = meshManifest('1', { expiresAtSeconds: Math.floor(nowMs / 1000) + 600 });
  const writer = isolate();
  await writer.create(short);
  expect((await writer.read(short.key))?.tier).toBe('memory');
  nowMs += 600_000;
  expect(await writer.read(short.key)).toBeNull();
  expect(await isolate().read(short.key)).toBeNull();
  const next = meshManifest('1', { gpuMs: 7 });
  expect(await isolate().create(next)).toEqual({ manifest: next, created: true });
  expect((await isolate().read(next.key))?.manifest).toEqual(next);
});

test('a copy in KV ends with its manifest, and within a day in any case', async () => {
  const lives: (number | undefined)[] = [];
  const put = async (_key: string, _text: unknown, options?: KVNamespacePutOptions) => {
    lives.push(options?.expirationTtl);
  };
  const { create } = isolate({ kv: faultyKv(env.MANIFESTS, { put: put as KVNamespace['put'] }) });
  const nowSeconds = Math.floor(nowMs / 1000);
  await create(meshManifest('1'));
  await create(meshManifest('2', { expiresAtSeconds: nowSeconds + 3600 }));
  await create(meshManifest('3', { expiresAtSeconds: nowSeconds + 59 }));
  expect(lives).toEqual([kvLifeSeconds, 3600]);
});

test('a KV that remembers absence never makes a miss', async () => {
  const mesh = meshManifest('1');
  const kv = staleKv(env.MANIFESTS, { staleSeconds: 60, now });
  expect(await isolate({ kv }).read(mesh.key)).toBeNull();
  await isolate().create(mesh);
  expect(await isolate({ kv }).read(mesh.key)).toEqual({ manifest: mesh, tier: 'r2' });
});

test('a KV that is stale gives an expired manifest to nobody', async () => {
  const kv = staleKv(env.MANIFESTS, { staleSeconds: 60, now });
  const old = meshManifest('1', { expiresAtSeconds: Math.floor(nowMs / 1000) + 90, gpuMs: 1 });
  await isolate().create(old);
  nowMs += 40_000;
  expect((await isolate({ kv }).read(old.key))?.tier).toBe('kv');
  nowMs += 50_000;
  const next = meshManifest('1', { gpuMs: 2 });
  await isolate().create(next);
  expect(await isolate({ kv }).read(old.key)).toEqual({ manifest: next, tier: 'r2' });
});

test.each([
  ['is not JSON', '{'],
  ['has not the shape', '{"key":1}'],
  ['is of another mesh', JSON.stringify(meshManifest('2'))],
])('a copy in KV that %s is treated as absent and written anew', async (_case, text) => {
  const mesh = meshManifest('1');
  await isolate().create(mesh);
  await env.MANIFESTS.put(`meshes/${mesh.key}.json`, text);
  expect(await isolate().read(mesh.key)).toEqual({ manifest: mesh, tier: 'r2' });
  expect((await isolate().read(mesh.key))?.tier).toBe('kv');
});

test('a KV that fails is passed by', async () => {
  const fail = failing('KV is down');
  const kv = faultyKv(env.MANIFESTS, { get: fail as KVNamespace['get'], put: fail });
  const mesh = meshManifest('1');
  expect((await isolate({ kv }).create(mesh)).created).toBe(true);
  expect(await isolate({ kv }).read(mesh.key)).toEqual({ manifest: mesh, tier: 'r2' });
});

test('an R2 that fails is an error and not a miss', async () => {
  await expect(isolate({ r2: r2Down }).read('1'.repeat(64))).rejects.toThrow('R2 is down');
});

test('a hit does not need R2', async () => {
  await isolate().create(meshManifest('1'));
  expect((await isolate({ r2: r2Down }).read('1'.repeat(64)))?.tier).toBe('kv');
});

test('a damaged manifest in R2 is a miss and gives way to the new one', async () => {
  const mesh = meshManifest('1');
  await env.STORE.put(`meshes/${mesh.key}.json`, '{"key":');
  expect(await isolate().read(mesh.key)).toBeNull();
  expect(await isolate().create(mesh)).toEqual({ manifest: mesh, created: true });
  expect((await isolate().read(mesh.key))?.manifest).toEqual(mesh);
});

test('a refresh replaces the manifest that it read', async () => {
  await isolate().create(meshManifest('1', { gpuMs: 1 }));
  const refresher = isolate();
  const read = await refresher.manifests.readTruth('1'.repeat(64));
  const next = meshManifest('1', { gpuMs: 2 });
  expect(await refresher.replace(next, read?.etag ?? null)).toEqual({ manifest: next, replaced: true });
  expect((await refresher.read(next.key))?.manifest).toEqual(next);
  expect(await isolate().read(next.key)).toEqual({ manifest: next, tier: 'kv' });
});

test('of two refreshes that read the same manifest the first stays', async () => {
  await isolate().create(meshManifest('1', { gpuMs: 1 }));
  const read = await isolate().manifests.readTruth('1'.repeat(64));
  const [first, second] = [meshManifest('1', { gpuMs: 2 }), meshManifest('1', { gpuMs: 3 })];
  await isolate().replace(first, read?.etag ?? null);
  expect(await isolate().replace(second, read?.etag ?? null)).toEqual({ manifest: first, replaced: false });
});

test('a refresh of what was removed meanwhile stores it', async () => {
  await isolate().create(meshManifest('1'));
  const read = await isolate().manifests.readTruth('1'.repeat(64));
  await isolate().manifests.remove('1'.repeat(64));
  expect((await isolate().replace(meshManifest('1'), read?.etag ?? null)).replaced).toBe(true);
});

test('a removed manifest is gone from every tier that can be reached', async () => {
  const owner = isolate();
  await owner.create(meshManifest('1'));
  await owner.manifests.remove('1'.repeat(64));
  expect(await owner.read('1'.repeat(64))).toBeNull();
  expect(await isolate().read('1'.repeat(64))).toBeNull();
});

test('a copy that was on its way to KV during a removal does not outlive it', async () => {
  const mesh = meshManifest('1');
  await isolate().create(mesh);
  await env.MANIFESTS.delete(`meshes/${mesh.key}.json`);
  const put = async (key: string, text: string) => {
    await isolate().manifests.remove(mesh.key);
    await env.MANIFESTS.put(key, text);
  };
  const kv = faultyKv(env.MANIFESTS, { put: put as KVNamespace['put'] });
  expect((await isolate({ kv }).read(mesh.key))?.tier).toBe('r2');
  expect(await isolate().read(mesh.key)).toBeNull();
});

test('a copy that was on its way to KV during a refresh does not hide it', async () => {
  const [old, next] = [meshManifest('1', { gpuMs: 1 }), meshManifest('1', { gpuMs: 2 })];
  await isolate().create(old);
  await env.MANIFESTS.delete(`meshes/${old.key}.json`);
  const put = async (key: string, text: string) => {
    const read = await isolate().manifests.readTruth(old.key);
    await isolate().replace(next, read?.etag ?? null);
    await env.MANIFESTS.put(key, text);
  };
  const kv = faultyKv(env.MANIFESTS, { put: put as KVNamespace['put'] });
  expect((await isolate({ kv }).read(old.key))?.manifest).toEqual(old);
  expect((await isolate().read(old.key))?.manifest).toEqual(next);
});

test('memory holds no more bytes than its budget and forgets what was used longest ago', () => {
  const memory = new Memory<string>({ bytesMax: 10, sizeOf: (text) => text.length, now });
  memory.set('a', 'aaaa');
  memory.set('b', 'bbbb');
  expect(memory.get('a')).toBe('aaaa');
  memory.set('c', 'cccc');
  expect([memory.get('a'), memory.get('b'), memory.get('c'), memory.bytes]).toEqual(['aaaa', null, 'cccc', 8]);
  memory.set('a', 'aa');
  expect(memory.bytes).toBe(6);
  memory.set('huge', 'x'.repeat(11));
  expect([memory.get('huge'), memory.bytes]).toEqual([null, 6]);
  memory.delete('a');
  memory.delete('a');
  expect(memory.bytes).toBe(4);
});

test('memory gives back the bytes of what has expired', () => {
  const memory = new Memory<string>({ bytesMax: 10, sizeOf: (text) => text.length, now });
  memory.set('a', 'aaaa');
  nowMs += memoryLifeSeconds * 1000;
  expect([memory.get('a'), memory.bytes]).toEqual([null, 0]);
});
