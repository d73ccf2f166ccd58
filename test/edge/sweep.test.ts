import { createExecutionContext, createScheduledController, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { MeshManifest } from '../../contract/mesh.ts';
import { mediaTypes } from '../../contract/formats.ts';
import { openStores } from '../../edge/store/stores.ts';
import { Manifests } from '../../edge/store/manifests.ts';
import { MeshIndex } from '../../edge/search/mesh-index.ts';
import worker from '../../edge/worker.ts';
import { theFleet } from '../../edge/fleet/calls.ts';
import { meshManifest } from '../mesh-manifest.ts';
import { call, mesh, picture, post } from './client.ts';
import { complete, fakeNetwork, report } from './fake-origin.ts';
import { failing, faultyR2 } from './faulty-storage.ts';

const index = new MeshIndex({ db: env.INDEX, ...openStores(env) });
const hour = 3600;
const startSeconds = Math.floor(Date.now() / 1000);
let seed = 0;

beforeEach(async () => {
  const { objects } = await env.STORE.list();
  if (objects.length > 0) await env.STORE.delete(objects.map(({ key }) => key));
  for (const { name } of (await env.MANIFESTS.list()).keys) await env.MANIFESTS.delete(name);
  const db = await index.open();
  await db.batch(['meshes', 'tags', 'state'].map((table) => db.prepare(`DELETE FROM ${table}`)));
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Runs the cron trigger's handler, so many seconds after these tests began. */
async function sweep(afterSeconds: number, changes: Partial<typeof env> = {}): Promise<void> {
  vi.useFakeTimers({ toFake: ['Date'], now: (startSeconds + afterSeconds) * 1000 });
  const controller = createScheduledController({ scheduledTime: new Date(), cron: '*/5 * * * *' });
  const context = createExecutionContext();
  await worker.scheduled(controller, { ...env, STORE_BYTES_MAX: '0', ...changes });
  await waitOnExecutionContext(context);
}

/** A budget of so many bytes for all that is kept. */
const within = (bytesMax: number) => ({ STORE_BYTES_MAX: String(bytesMax) });

/** A finished mesh with its blob, indexed as write-back leaves it. */
async function makeMesh(digit: string, changes: Partial<MeshManifest> = {}, bytes = 1000): Promise<MeshManifest> {
  const sha256 = (++seed).toString(16).padStart(64, digit);
  const base = meshManifest(digit, changes);
  const manifest = { ...base, asset: { ...base.asset, sha256, bytes } };
  const httpMetadata = { contentType: mediaTypes.glb };
  await env.STORE.put(`blobs/${sha256}`, new Uint8Array(bytes), { httpMetadata });
  const context = createExecutionContext();
  const manifests = new Manifests({ kv: env.MANIFESTS, r2: env.STORE });
  await manifests.create(manifest, context);
  await waitOnExecutionContext(context);
  await manifests.name(manifest);
  await index.add(manifest);
  return manifest;
}

async function names(prefix = ''): Promise<string[]> {
  return (await env.STORE.list({ prefix })).objects.map(({ key }) => key);
}

async function keysIndexed(): Promise<string[]> {
  const db = await index.open();
  const { results } = await db.prepare('SELECT key FROM meshes ORDER BY key').all<{ key: string }>();
  return results.map(({ key }) => key.slice(0, 1));
}

function keptKeys(): Promise<string[]> {
  return names('meshes/').then((found) => found.map((name) => name.slice('meshes/'.length, 'meshes/'.length + 1)));
}

test('a mesh goes some time after it expired, with its bytes, and no other does', async () => {
  const expired = await makeMesh('1', { expiresAtSeconds: startSeconds + 60 });
  await index.tag(expired.key, ['spring']);
  await makeMesh('2', { expiresAtSeconds: startSeconds + 2 * hour });
  await makeMesh('3');
  await sweep(5 * 60);
  expect(await keptKeys()).toEqual(['1', '2', '3']);
  await sweep(hour);
  expect(await keptKeys()).toEqual(['2', '3']);
  expect(await names()).not.toContain(`blobs/${expired.asset.sha256}`);
  expect((await names()).filter((name) => name.endsWith(expired.key))).toEqual([]);
  expect((await env.MANIFESTS.list()).keys.map(({ name }) => name)).not.toContain(`meshes/${expired.key}.json`);
  expect(await keysIndexed()).toEqual(['2', '3']);
});

test('a row that is older than its mesh removes nothing and is mended', async () => {
  const kept = await makeMesh('1');
  await index.add({ ...kept, expiresAtSeconds: startSeconds });
  await sweep(hour);
  expect(await keptKeys()).toEqual(['1']);
  expect(await index.expiredKeys({ beforeSeconds: startSeconds + hour, max: 10 })).toEqual([]);
});

test('an expired mesh that is being made again is left alone', async () => {
  const network = fakeNetwork();
  await report();
  const { id } = await mesh(post(picture()));
  const sent = await vi.waitFor(() => network.jobs[0] ?? Promise.reject(new Error('no job yet')));
  await index.add(meshManifest('1', { key: sent.job.key, expiresAtSeconds: startSeconds - hour }));
  await index.tag(sent.job.key, ['spring']);
  await sweep(60);
  expect(await names()).toContain(`index/tag/spring/${sent.job.key}`);
  await report();
  expect((await complete(sent)).status).toBe(200);
  expect(await mesh(call(`/v1/meshes/${id}`))).toMatchObject({ status: 'completed' });
});

test('the mesh that saves least per byte is evicted, and is a hit until it expires', async () => {
  await makeMesh('1', { gpuMs: 10 }, 1000);
  const cheap = await makeMesh('2', { gpuMs: 10 }, 5000);
  await makeMesh('3', { gpuMs: 5 }, 1000);
  await index.addUses(new Map([['3'.repeat(64), 9]]), startSeconds);
  await sweep(0, within(2000));
  const manifests = new Manifests({ kv: env.MANIFESTS, r2: env.STORE });
  const retired = await manifests.read(cheap.key);
  expect(retired?.manifest.expiresAtSeconds).toBe(startSeconds + 180);
  expect(await names()).toContain(`blobs/${cheap.asset.sha256}`);
  // What leaves is not counted again, so the second run evicts no more.
  await sweep(60, within(2000));
  expect((await manifests.readTruth('1'.repeat(64)))?.manifest.expiresAtSeconds).toBeNull();
  await sweep(hour, within(2000));
  expect(await keptKeys()).toEqual(['1', '3']);
  expect(await names('blobs/')).toHaveLength(2);
  expect(await index.clock()).toBeCloseTo(10 / 5000);
});

test('within the budget, and with none, nothing is evicted', async () => {
  await makeMesh('1');
  await makeMesh('2');
  await sweep(0, within(2000));
  await sweep(0, within(0));
  await sweep(hour, within(2000));
  expect(await keptKeys()).toEqual(['1', '2']);
});

test('a surface counts once, however many meshes were encoded from it', async () => {
  const geometryKey = 'a'.repeat(64);
  await env.STORE.put(`geometry/${geometryKey}`, new Uint8Array(3000));
  await makeMesh('1', { geometryKey });
  await makeMesh('2', { geometryKey, gpuMs: 0, reused: 'geometry' });
  expect(await index.keptBytes(0)).toBe(5000);
  await sweep(0, within(5000));
  await sweep(hour, within(5000));
  expect(await keptKeys()).toEqual(['1', '2']);
  // A mesh that was encoded from a known surface costs no GPU time, so it goes first.
  await sweep(0, within(4500));
  await sweep(hour, within(4500));
  expect(await keptKeys()).toEqual(['1']);
  expect(await names('geometry/')).toHaveLength(1);
});

test('inputs go after a day, as do blobs and surfaces that no mesh names', async () => {
  const geometryKey = 'a'.repeat(64);
  const needed = await makeMesh('1', { geometryKey });
  const lost = ['blobs/', 'geometry/', 'private/' + '9'.repeat(64) + '/', 'inputs/'].map((at) => at + 'f'.repeat(64));
  for (const name of [...lost, `geometry/${geometryKey}`]) await env.STORE.put(name, 'bytes');
  await env.STORE.put(`private/${needed.key}/${'e'.repeat(64)}`, 'bytes');
  const before = await names();
  const { to } = await theFleet(env.FLEET).removals(0);
  await sweep(23 * hour);
  expect(await names()).toEqual(before);
  await sweep(25 * hour);
  expect(await names()).toEqual(before.filter((name) => !lost.includes(name)));
  expect((await theFleet(env.FLEET).removals(to)).surfaces).toEqual(['f'.repeat(64)]);
});

test.each(['blobs', 'private'] as const)(
  'a mesh that takes an orphan of %s as it is swept is made again',
  async (kind) => {
    const base = meshManifest('1', kind === 'private' ? { owner: 'a'.repeat(64) } : {});
    const sha256 = 'd'.repeat(64);
    const late = { ...base, asset: { ...base.asset, sha256 }, thumbnail: null };
    const orphan = kind === 'private' ? `private/${late.key}/${sha256}` : `blobs/${sha256}`;
    await env.STORE.put(orphan, 'bytes');
    const manifests = new Manifests({ kv: env.MANIFESTS, r2: env.STORE });
    let taken = false;
    const remove = async (removed: string | string[]) => {
      if ([removed].flat().includes(orphan)) {
        taken = (await manifests.create(late)).created;
        await manifests.name(late);
      }
      await env.STORE.delete(removed);
    };
    await sweep(25 * hour, { STORE: faultyR2(env.STORE, { delete: remove }) });
    expect([taken, await env.STORE.head(orphan), await manifests.readTruth(late.key)]).toEqual([true, null, null]);
  },
);

test('a run looks at a part and the next goes on', async () => {
  const inputs = Array.from({ length: 250 }, (_, number) => `geometry/${number.toString(16).padStart(64, '0')}`);
  await Promise.all(inputs.map((name) => env.STORE.put(name, '')));
  await sweep(25 * hour);
  expect(await names('geometry/')).toHaveLength(50);
  await sweep(25 * hour);
  expect(await names('geometry/')).toHaveLength(0);
});

test('a step that fails keeps no other from its work', async () => {
  await env.STORE.put(`inputs/${'f'.repeat(64)}`, 'bytes');
  vi.spyOn(MeshIndex.prototype, 'expiredKeys').mockImplementation(failing('D1 is down'));
  const logged = vi.spyOn(console, 'error');
  await sweep(25 * hour);
  expect(await names('inputs/')).toEqual([]);
  expect(logged.mock.calls.flat().join()).toContain('sweep_failed');
});

test('a budget that is no number is an error that names it', async () => {
  const controller = createScheduledController({ scheduledTime: new Date(), cron: '' });
  const run = worker.scheduled(controller, { ...env, STORE_BYTES_MAX: '10 GB' });
  await expect(run).rejects.toThrow('STORE_BYTES_MAX is "10 GB"');
});
