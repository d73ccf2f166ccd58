import { env } from 'cloudflare:workers';
import { beforeEach, expect, test } from 'vitest';
import { openStores } from '../../edge/store/stores.ts';
import { MeshIndex } from '../../edge/search/mesh-index.ts';
import { meshManifest } from '../mesh-manifest.ts';
import { call, errorOf } from './client.ts';
import { testKeys } from './secrets.ts';

const index = new MeshIndex({ db: env.INDEX, ...openStores(env) });

type Page = { of: string; same: number; missing: number; stale: number; damaged: string[]; next: unknown };

beforeEach(async () => {
  for (let more = true; more;) {
    const { objects, truncated } = await env.STORE.list();
    if (objects.length > 0) await env.STORE.delete(objects.map(({ key }) => key));
    more = truncated;
  }
  const db = await index.open();
  await db.batch(['meshes', 'tags'].map((table) => db.prepare(`DELETE FROM ${table}`)));
});

function ask(action: string, body: unknown = {}): Promise<Response> {
  return call(`/admin/index/${action}`, { method: 'POST', key: testKeys.admin, body: JSON.stringify(body) });
}

/** Asks for page after page, as the command does. */
async function pages(action: 'rebuild' | 'check') {
  const sum = { same: 0, missing: 0, stale: 0, damaged: 0, pages: 0 };
  for (let after: unknown; after !== null; sum.pages++) {
    const page = await (await ask(action, { after })).json<Page>();
    for (const name of ['same', 'missing', 'stale'] as const) sum[name] += page[name];
    sum.damaged += page.damaged.length;
    after = page.next;
  }
  return sum;
}

const keyOf = (number: number) => number.toString(16).padStart(64, '0');

/** A mesh as it lies in R2, with no row. */
async function storeMesh(number: number, changes: Parameters<typeof meshManifest>[1] = {}) {
  const manifest = meshManifest('1', { key: keyOf(number), ...changes });
  await env.STORE.put(`meshes/${manifest.key}.json`, JSON.stringify(manifest));
  return manifest;
}

async function keysIndexed(): Promise<string[]> {
  const db = await index.open();
  return (await db.prepare('SELECT key FROM meshes ORDER BY key').all<{ key: string }>()).results.map(({ key }) => key);
}

test('an index that was lost is remade from R2, page by page', { timeout: 60_000 }, async () => {
  const numbers = Array.from({ length: 450 }, (_, number) => number + 1);
  await Promise.all(numbers.map((number) => storeMesh(number)));
  await Promise.all(
    numbers.slice(0, 5).map((number) => openStores(env).entries.writeTag({ tag: 'a/b', key: keyOf(number) })),
  );
  expect(await pages('check')).toEqual({ same: 0, missing: 455, stale: 0, damaged: 0, pages: 4 });
  expect(await keysIndexed()).toEqual([]);
  expect(await pages('rebuild')).toMatchObject({ missing: 455 });
  expect(await keysIndexed()).toEqual(numbers.map(keyOf));
  expect(await pages('check')).toEqual({ same: 455, missing: 0, stale: 0, damaged: 0, pages: 4 });
});

test('rows that R2 knows nothing of go, rows that differ are mended, uses stay', async () => {
  const manifests = await Promise.all([1, 2, 3].map((number) => storeMesh(number)));
  for (const manifest of manifests) await index.add(manifest);
  await index.addUses(new Map([[keyOf(2), 4]]), 1);
  await env.STORE.delete(`meshes/${keyOf(1)}.json`);
  await storeMesh(2, { gpuMs: 99 });
  await index.tag(keyOf(3), ['kept', 'lost']);
  await env.STORE.delete(`index/tag/lost/${keyOf(3)}`);
  expect(await pages('check')).toMatchObject({ same: 2, missing: 1, stale: 2 });
  expect(await pages('rebuild')).toMatchObject({ same: 2, missing: 1, stale: 2 });
  const db = await index.open();
  const { results } = await db.prepare('SELECT key, gpu_ms, uses FROM meshes ORDER BY key').all();
  expect(results).toEqual([
    { key: keyOf(2), gpu_ms: 99, uses: 5 },
    { key: keyOf(3), gpu_ms: 4, uses: 1 },
  ]);
  expect((await db.prepare('SELECT tag FROM tags').all()).results).toEqual([{ tag: 'kept' }]);
});

test('more stale rows than a page holds all go, wherever the pages end', { timeout: 60_000 }, async () => {
  for (let number = 1; number <= 450; number++) await index.add(meshManifest('1', { key: keyOf(number) }));
  const stored = Array.from({ length: 300 }, (_, number) => number + 301);
  await Promise.all(stored.map((number) => storeMesh(number)));
  expect(await pages('rebuild')).toMatchObject({ same: 150, missing: 150, stale: 300 });
  expect(await keysIndexed()).toEqual(stored.map(keyOf));
});

test('a damaged manifest is named and has no row', async () => {
  await index.add(await storeMesh(1));
  await env.STORE.put(`meshes/${keyOf(1)}.json`, '{');
  expect(await pages('rebuild')).toMatchObject({ damaged: 1, stale: 1 });
  expect(await keysIndexed()).toEqual([]);
});

test('the size of a surface and the owner of a private mesh are found again', async () => {
  const geometryKey = 'a'.repeat(64);
  await env.STORE.put(`geometry/${geometryKey}`, 'surface');
  await openStores(env).entries.write(await storeMesh(1, { geometryKey, owner: 'f'.repeat(64) }));
  await pages('rebuild');
  const db = await index.open();
  const row = await db.prepare('SELECT geometry_key, geometry_bytes, scope FROM meshes').first();
  expect(row).toEqual({ geometry_key: geometryKey, geometry_bytes: 7, scope: 'private' });
});

test('the index is the operator’s, and a page begins where it can', async () => {
  const refused = call('/admin/index/rebuild', { method: 'POST', body: '{}' });
  expect(await errorOf(refused)).toMatchObject({ status: 403, code: 'insufficient_scope' });
  expect(await errorOf(ask('rebuild', { after: { of: 'blobs', after: null } }))).toMatchObject({ status: 400 });
  expect(await errorOf(ask('drop'))).toMatchObject({ status: 404 });
});
