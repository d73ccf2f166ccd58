import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeEach, expect, test } from 'vitest';
import type { MeshManifest } from '../../contract/mesh.ts';
import { mediaTypes } from '../../contract/formats.ts';
import { MeshIndex } from '../../edge/search/mesh-index.ts';
import { openStores } from '../../edge/store/stores.ts';
import { Manifests } from '../../edge/store/manifests.ts';
import { manifestMemory } from '../../edge/store/memory.ts';
import { purge, purgedMeshesMax, type PurgeReport, type PurgeSelector } from '../../edge/removal/purge.ts';
import { quarantine } from '../../edge/removal/quarantine.ts';
import { NamedSurfaces } from '../../edge/removal/named-surfaces.ts';
import { meshManifest } from '../mesh-manifest.ts';
import { failing, faultyR2 } from './faulty-storage.ts';
import { ask, someBytes, storeAsset } from './stored-asset.ts';

const images = { teddy: '7'.repeat(64), robot: '8'.repeat(64) };
const assetsUrl = 'https://edge.example/assets/';

/** Counts on, so that no two tests have the same bytes or keys. */
let seed = 1000;

beforeEach(async () => {
  for (const { name } of (await env.MANIFESTS.list()).keys) await env.MANIFESTS.delete(name);
  for (const { key } of (await env.STORE.list()).objects) await env.STORE.delete(key);
});

function isolate(): Manifests {
  const memory = manifestMemory(() => Date.now());
  return new Manifests({ kv: env.MANIFESTS, r2: env.STORE, memory });
}

/** Stores a manifest as write-back does. */
async function store(manifest: MeshManifest): Promise<{ created: boolean }> {
  const context = createExecutionContext();
  const stored = await isolate().create(manifest, context);
  await waitOnExecutionContext(context);
  await isolate().name(stored.manifest);
  return stored;
}

/** A finished mesh with its blobs, as write-back leaves it. */
async function makeMesh(digit: string, changes: Partial<MeshManifest> = {}, assetSeed = seed++): Promise<MeshManifest> {
  const asset = await storeAsset(someBytes(800, assetSeed));
  const thumbnail = await storeAsset(someBytes(200, seed++), { extension: 'webp' });
  const base = meshManifest(digit, { imageSha256: images.teddy, ...changes });
  const manifest: MeshManifest = {
    ...base,
    asset: { ...base.asset, sha256: asset.sha256, bytes: 800 },
    thumbnail: { sha256: thumbnail.sha256, bytes: 200, mediaType: mediaTypes.webp, extension: 'webp' },
  };
  await env.STORE.put(`inputs/${manifest.imageSha256}`, 'picture');
  await store(manifest);
  return manifest;
}

function purgeBy(selector: PurgeSelector, r2 = env.STORE): Promise<PurgeReport> {
  const colo = { assetsUrl };
  const stores = { ...openStores({ ...env, STORE: r2 }), manifests: isolate() };
  const geometry = new NamedSurfaces({ ...stores, fleets: env.FLEET });
  const index = new MeshIndex({ db: env.INDEX, ...stores });
  return purge(selector, { ...stores, index, geometry, colo, endFlight: async () => false });
}

async function names(): Promise<string[]> {
  return (await env.STORE.list()).objects.map(({ key }) => key);
}

async function statusOf(file: string): Promise<number> {
  const response = await ask(assetsUrl + file);
  await response.body?.cancel();
  return response.status;
}

test('a purge by id leaves nothing of the mesh in R2, KV, memory and this location', async () => {
  const mesh = await makeMesh('1');
  const files = [`${mesh.asset.sha256}.glb`, `${mesh.thumbnail?.sha256}.webp`];
  for (const file of files) expect(await statusOf(file)).toBe(200);
  const report = await purgeBy({ by: 'id', key: mesh.key });
  expect(report).toMatchObject({ meshes: [mesh.key], shared: [], complete: true });
  expect(new Set(report.digests)).toEqual(new Set([mesh.asset.sha256, mesh.thumbnail?.sha256, images.teddy]));
  expect(await names()).toEqual([]);
  expect((await env.MANIFESTS.list()).keys).toEqual([]);
  for (const file of files) expect(await statusOf(file)).toBe(404);
});

test('bytes that another mesh has too stay until that one goes', async () => {
  const assetSeed = seed++;
  const [first, second] = [await makeMesh('1', {}, assetSeed), await makeMesh('2', {}, assetSeed)];
  expect(first.asset.sha256).toBe(second.asset.sha256);
  expect((await purgeBy({ by: 'id', key: first.key })).shared).toEqual([first.asset.sha256]);
  expect(await statusOf(`${first.asset.sha256}.glb`)).toBe(200);
  expect((await isolate().read(second.key))?.manifest).toEqual(second);
  expect((await purgeBy({ by: 'id', key: second.key })).digests).toContain(second.asset.sha256);
  expect(await names()).toEqual([]);
});

test.each(['thumbnail', 'asset'] as const)(
  'a mesh that takes the purged %s in the moment of its removal is made again',
  async (which) => {
    const purged = await makeMesh('1');
    const blob = which === 'asset' ? purged.asset : purged.thumbnail;
    const late: MeshManifest = { ...meshManifest('2'), asset: purged.asset, thumbnail: purged.thumbnail };
    let taken = false;
    // The look has found no other mesh; the removal of the blob is on its way.
    const remove = async (removed: string | string[]) => {
      if (removed === `blobs/${blob?.sha256}`) {
        expect(await store(late)).toMatchObject({ created: true });
        taken = true;
      }
      await env.STORE.delete(removed);
    };
    await purgeBy({ by: 'id', key: purged.key }, faultyR2(env.STORE, { delete: remove }));
    expect(taken).toBe(true);
    expect(await env.STORE.head(`blobs/${blob?.sha256}`)).toBeNull();
    expect(await isolate().readTruth(late.key)).toBeNull();
    expect((await names()).filter((name) => name.endsWith(late.key))).toEqual([]);
  },
);

test('a mesh that sends the purged bytes again after their removal keeps them', async () => {
  const purged = await makeMesh('1');
  const { sha256 } = purged.asset;
  const late: MeshManifest = { ...meshManifest('2'), asset: purged.asset, thumbnail: null };
  const remove = async (removed: string | string[]) => {
    await env.STORE.delete(removed);
    if (removed !== `blobs/${sha256}`) return;
    await env.STORE.put(removed, 'the same bytes', { httpMetadata: { contentType: mediaTypes.glb } });
    await store(late);
  };
  await purgeBy({ by: 'id', key: purged.key }, faultyR2(env.STORE, { delete: remove }));
  expect((await isolate().readTruth(late.key))?.manifest).toEqual(late);
  expect(await env.STORE.head(`blobs/${sha256}`)).not.toBeNull();
});

test('a purge by picture, model or blob takes the meshes that have it and no other', async () => {
  const robot = { imageSha256: images.robot };
  const meshes = async () => {
    const a = await makeMesh('1');
    const b = await makeMesh('2', { model: 'other@2' });
    const c = await makeMesh('3', robot);
    return { a, b, c };
  };
  for (const [selector, gone] of [
    [() => ({ by: 'image', sha256: images.teddy }), ['a', 'b']],
    [() => ({ by: 'model', model: 'bisque@1' }), ['a', 'c']],
    [(made) => ({ by: 'blob', sha256: made.b.asset.sha256 }), ['b']],
  ] as [(made: Awaited<ReturnType<typeof meshes>>) => PurgeSelector, string[]][]) {
    const made = await meshes();
    const report = await purgeBy(selector(made));
    expect(report.complete).toBe(true);
    for (const [name, mesh] of Object.entries(made)) {
      expect([name, (await isolate().read(mesh.key)) === null]).toEqual([name, gone.includes(name)]);
    }
    for (const mesh of Object.values(made)) await purgeBy({ by: 'id', key: mesh.key });
  }
});

test('a private mesh goes with its private bytes', async () => {
  const mesh = await makeMesh('1');
  const sha256 = 'f'.repeat(64);
  await env.STORE.put(`private/${mesh.key}/${sha256}`, 'bytes');
  expect((await purgeBy({ by: 'id', key: mesh.key })).digests).toContain(sha256);
  expect(await names()).toEqual([]);
});

test('a private mesh with the same bytes does not hold those of a shared one, and is found by its blob', async () => {
  const shared = await makeMesh('1');
  const twin: MeshManifest = { ...shared, key: '2'.repeat(64), owner: 'a'.repeat(64) };
  await store(twin);
  const { sha256 } = shared.asset;
  await env.STORE.put(`private/${twin.key}/${sha256}`, 'bytes');

  expect(await purgeBy({ by: 'id', key: shared.key })).toMatchObject({ meshes: [shared.key], complete: true });
  expect(await statusOf(`${sha256}.glb`)).toBe(404);
  expect(await names()).toContain(`private/${twin.key}/${sha256}`);

  expect((await purgeBy({ by: 'blob', sha256 })).meshes).toEqual([twin.key]);
  expect(await names()).toEqual([]);
});

test('an expired mesh and one whose manifest is damaged can be purged', async () => {
  const expired = await makeMesh('1', { expiresAtSeconds: 1 });
  expect((await purgeBy({ by: 'id', key: expired.key })).meshes).toEqual([expired.key]);
  expect(await names()).toEqual([]);
  const damaged = await makeMesh('2');
  await env.STORE.put(`meshes/${damaged.key}.json`, '{');
  await purgeBy({ by: 'image', sha256: images.teddy });
  expect(await names()).not.toContain(`meshes/${damaged.key}.json`);
  expect(await names()).not.toContain(`index/image/${images.teddy}/${damaged.key}`);
  expect((await purgeBy({ by: 'image', sha256: images.teddy })).complete).toBe(true);
});

test('a purge of nothing removes nothing', async () => {
  const empty = { meshes: [], digests: [], shared: [], complete: true };
  expect(await purgeBy({ by: 'id', key: '9'.repeat(64) })).toMatchObject(empty);
  expect(await purgeBy({ by: 'model', model: 'none@1' })).toMatchObject(empty);
});

test('a surface goes with the last mesh that was encoded from it', async () => {
  const geometryKey = 'a'.repeat(64);
  await env.STORE.put(`geometry/${geometryKey}`, 'surface');
  const [first, second] = [await makeMesh('1', { geometryKey }), await makeMesh('2', { geometryKey })];
  expect(await purgeBy({ by: 'id', key: first.key })).toMatchObject({ surfaces: [], shared: [geometryKey] });
  expect(await names()).toContain(`geometry/${geometryKey}`);
  expect(await purgeBy({ by: 'id', key: second.key })).toMatchObject({ surfaces: [geometryKey] });
  expect(await names()).toEqual([]);
});

test('the note on a damaged blob goes with its mesh', async () => {
  const mesh = await makeMesh('1');
  await env.STORE.put(`quarantine/${mesh.asset.sha256}.json`, '{}');
  await purgeBy({ by: 'id', key: mesh.key });
  expect(await names()).toEqual([]);
});

test('a purge that broke off is finished by the same call', async () => {
  const mesh = await makeMesh('1');
  const selector = { by: 'image', sha256: images.teddy } as const;
  let deletes = 0;
  const remove = (keys: string | string[]) => (deletes++ < 2 ? env.STORE.delete(keys) : failing('R2 is down')());
  await expect(purgeBy(selector, faultyR2(env.STORE, { delete: remove }))).rejects.toThrow('R2 is down');
  expect(await names()).not.toEqual([]);
  expect((await purgeBy(selector)).meshes).toEqual([mesh.key]);
  expect(await names()).toEqual([]);
});

test('more meshes than one call may remove are removed by the next', { timeout: 60_000 }, async () => {
  const keys = Array.from({ length: purgedMeshesMax + 3 }, (_, index) => index.toString(16).padStart(64, '0'));
  await Promise.all(keys.map((key) => store(meshManifest('1', { key }))));
  const first = await purgeBy({ by: 'model', model: 'bisque@1' });
  expect([first.meshes.length, first.complete]).toEqual([purgedMeshesMax, false]);
  const second = await purgeBy({ by: 'model', model: 'bisque@1' });
  expect([second.meshes.length, second.complete]).toEqual([3, true]);
  expect((await names()).filter((name) => name.startsWith('meshes/') || name.startsWith('index/'))).toEqual([]);
});

test('a mesh that was replaced no longer holds its old bytes', async () => {
  const old = await makeMesh('1');
  const read = await isolate().readTruth(old.key);
  const asset = await storeAsset(someBytes(800, seed++));
  const next = { ...old, asset: { ...old.asset, sha256: asset.sha256 } };
  const context = createExecutionContext();
  await isolate().replace(next, read?.etag ?? null, context);
  await waitOnExecutionContext(context);
  await isolate().name(next);
  const index = (await names()).filter((name) => name.startsWith('index/blob/'));
  const used = [asset.sha256, old.thumbnail?.sha256].map((sha256) => `index/blob/${sha256}/${old.key}`);
  expect(new Set(index)).toEqual(new Set(used));
});

test('a second writer that lost holds no bytes', async () => {
  const first = await makeMesh('1');
  const asset = await storeAsset(someBytes(800, seed++));
  await store({ ...first, asset: { ...first.asset, sha256: asset.sha256 } });
  expect(await names()).not.toContain(`index/blob/${asset.sha256}/${first.key}`);
  expect(await names()).toContain(`index/blob/${first.asset.sha256}/${first.key}`);
});

test('a mesh whose bytes are damaged is forgotten, so that it is made again', async () => {
  const mesh = await makeMesh('1');
  await env.STORE.put(`blobs/${mesh.asset.sha256}`, new Uint8Array(800), {
    httpMetadata: { contentType: mediaTypes.glb },
  });
  expect(await statusOf(`${mesh.asset.sha256}.glb`)).toBe(500);
  await expect.poll(() => isolate().read(mesh.key)).toBeNull();
  expect(await names()).not.toContain(`blobs/${mesh.asset.sha256}`);
});

test('a mesh that is stored while bytes of it are set aside is made again', async () => {
  const mesh = await makeMesh('1');
  const { sha256 } = mesh.asset;
  await env.STORE.put(`blobs/${sha256}`, new Uint8Array(800));
  const late = { ...mesh, key: '2'.repeat(64) };
  const remove = async (removed: string | string[]) => {
    if (removed === `blobs/${sha256}`) expect(await store(late)).toMatchObject({ created: true });
    await env.STORE.delete(removed);
  };
  const stores = { ...openStores({ ...env, STORE: faultyR2(env.STORE, { delete: remove }) }), manifests: isolate() };
  await quarantine({ sha256 }, { ...stores, index: new MeshIndex({ db: env.INDEX, ...stores }) });
  expect((await names()).filter((name) => name.startsWith('meshes/'))).toEqual([]);
});

test('what was taken down is refused wherever it could enter, and is 410', async () => {
  const mesh = await makeMesh('1');
  const { sha256 } = mesh.asset;
  await openStores(env).takedowns.add({ sha256, reason: 'court order', atSeconds: 1 });
  await purgeBy({ by: 'blob', sha256 });
  expect(await statusOf(`${sha256}.glb`)).toBe(410);
  const withdrawn = { code: 'taken_down', status: 410 };
  const body = new Response(someBytes(800)).body as ReadableStream<Uint8Array>;
  const blob = { sha256, bytes: 800, mediaType: mediaTypes.glb, body };
  await expect(openStores(env).blobs.put(blob)).rejects.toMatchObject(withdrawn);
  expect(await names()).toEqual([`takedowns/${sha256}`]);
});

test('the list of takedowns tells the operator why, and can be undone', async () => {
  const takedown = { sha256: images.robot, reason: 'not theirs', atSeconds: 1_795_000_000 };
  await openStores(env).takedowns.add(takedown);
  expect(await openStores(env).takedowns.list(null)).toEqual({ takedowns: [takedown], cursor: null });
  await openStores(env).takedowns.remove(images.robot);
  expect((await openStores(env).takedowns.list(null)).takedowns).toEqual([]);
  await expect(makeMesh('1', { imageSha256: images.robot })).resolves.toBeDefined();
});
