import { env } from 'cloudflare:workers';
import { expect, test, vi } from 'vitest';
import { sha256 } from '../../contract/digest.ts';
import { keyOfMeshId } from '../../contract/key.ts';
import type { MeshManifest } from '../../contract/mesh.ts';
import { openStores } from '../../edge/store/stores.ts';
import { MeshIndex } from '../../edge/search/mesh-index.ts';
import { meshManifest } from '../mesh-manifest.ts';
import { call, errorOf, mesh, picture, post, type PostOptions } from './client.ts';
import { complete, meshBytes, networkOfEachTest, originCall } from './fake-origin.ts';
import { jobMsMax } from './making.ts';
import { failing } from './faulty-storage.ts';
import { testKeys } from './secrets.ts';

const network = networkOfEachTest();

const index = new MeshIndex({ db: env.INDEX, ...openStores(env) });

async function rowsOf(table: 'meshes' | 'tags', key: string) {
  const db = await index.open();
  return (await db.prepare(`SELECT * FROM ${table} WHERE key = ?`).bind(key).all()).results;
}

async function make(image: Uint8Array<ArrayBuffer>, options: PostOptions = {}, changes: Partial<MeshManifest> = {}) {
  const count = network.jobs.length;
  const answer = post(image, { ...options, headers: { prefer: 'wait=30' } });
  const sent = await vi.waitFor(() => {
    const job = network.jobs[count];
    if (job === undefined) throw new Error('no job yet');
    return job;
  }, jobMsMax);
  expect((await complete(sent, changes)).status).toBe(200);
  return { sent, made: await mesh(answer) };
}

async function purge(body: Record<string, string>) {
  const answer = call('/admin/purge', { method: 'POST', key: testKeys.admin, body: JSON.stringify(body) });
  return (await answer).json<{ meshes: string[]; flights_ended: string[] }>();
}

test('a write-back leaves a row that says what the mesh is and what it cost', async () => {
  const image = picture();
  const { sent, made } = await make(image);
  await expect
    .poll(() => rowsOf('meshes', sent.job.key))
    .toEqual([
      {
        key: sent.job.key,
        model: 'bisque@1',
        output_format: 'glb',
        image_sha256: await sha256(image),
        asset_sha256: made.asset?.sha256,
        bytes: meshBytes(sent.job).byteLength,
        geometry_key: null,
        geometry_bytes: 0,
        gpu_ms: 4,
        created_at: made.created_at,
        expires_at: null,
        scope: 'shared',
        uses: 1,
        last_used_at: made.created_at,
        worth: 4 / meshBytes(sent.job).byteLength,
      },
    ]);
});

test('a surface, which comes after its mesh, counts in the row of the mesh from then on', async () => {
  const geometryKey = await sha256(crypto.randomUUID());
  const { sent } = await make(picture(), {}, { geometryKey });
  const { key } = sent.job;
  await expect.poll(() => rowsOf('meshes', key)).toMatchObject([{ geometry_key: geometryKey, geometry_bytes: 0 }]);
  const surface = crypto.getRandomValues(new Uint8Array(1000));
  expect((await originCall('PUT', `/origin/geometry/${geometryKey}`, { body: surface })).status).toBe(200);
  const worth = 4 / (meshBytes(sent.job).byteLength + surface.byteLength);
  expect(await rowsOf('meshes', key)).toMatchObject([{ geometry_bytes: surface.byteLength, uses: 1, worth }]);
});

test('a private mesh is known as one, and its tenant by no column', async () => {
  const { sent } = await make(picture(), { fields: { cache_scope: 'private' } });
  await expect.poll(() => rowsOf('meshes', sent.job.key)).toMatchObject([{ scope: 'private' }]);
  expect(JSON.stringify(await rowsOf('meshes', sent.job.key))).not.toContain('acme');
});

test('tags never change the key, are attached on a hit too, and purge what has them', async () => {
  const [image, other] = [picture(), picture()];
  const { made } = await make(image, { fields: { cache_tags: '["spring/sale 50%"]' } });
  const hit = await mesh(post(image, { fields: { cache_tags: '["ÄÖ", "spring/sale 50%"]' }, key: testKeys.globex }));
  expect(hit).toMatchObject({ id: made.id, cache: { status: 'hit' } });
  const { made: untagged } = await make(other);
  const key = keyOfMeshId(made.id) ?? '';
  expect((await rowsOf('tags', key)).map((row) => row.tag).toSorted()).toEqual(['spring/sale 50%', 'ÄÖ'].toSorted());
  expect(await purge({ tag: 'spring' })).toMatchObject({ meshes: [] });
  expect(await purge({ tag: 'ÄÖ' })).toMatchObject({ meshes: [made.id] });
  expect(await errorOf(call(`/v1/meshes/${made.id}`))).toMatchObject({ status: 404 });
  expect((await call(`/v1/meshes/${untagged.id}`)).status).toBe(200);
  expect([await rowsOf('tags', key), await rowsOf('meshes', key)]).toEqual([[], []]);
  // The other tag went with the mesh: made again without one, it has none.
  await make(image);
  expect(await purge({ tag: 'spring/sale 50%' })).toMatchObject({ meshes: [] });
});

test('a purge by tag ends the flight that a tagged request began', async () => {
  const tag = crypto.randomUUID();
  const { id } = await mesh(post(picture(), { fields: { cache_tags: JSON.stringify([tag]) } }));
  expect(await purge({ tag })).toMatchObject({ meshes: [], flights_ended: [id] });
  expect(await mesh(call(`/v1/meshes/${id}`))).toMatchObject({ status: 'cancelled' });
});

test('a tag that no name in R2 could hold is a tag all the same', async () => {
  const tag = `\ud800${crypto.randomUUID()}`;
  const { made } = await make(picture(), { fields: { cache_tags: JSON.stringify([tag]) } });
  expect(await purge({ tag })).toMatchObject({ meshes: [made.id] });
});

test('hits are counted in the index, and lift what the mesh is worth', async () => {
  const image = picture();
  const { sent } = await make(image);
  for (let hits = 0; hits < 5; hits++) expect((await post(image)).status).toBe(200);
  const bytes = meshBytes(sent.job).byteLength;
  await expect
    .poll(async () => (await rowsOf('meshes', sent.job.key))[0], { timeout: 10_000 })
    .toMatchObject({ uses: 6, worth: (6 * 4) / bytes });
});

test('an index that fails costs no mesh, no purge and no tag', async () => {
  vi.spyOn(env.INDEX, 'batch').mockImplementation(failing('D1 is down'));
  vi.spyOn(env.INDEX, 'prepare').mockImplementation(() => {
    throw new Error('D1 is down');
  });
  const tag = crypto.randomUUID();
  const { made } = await make(picture(), { fields: { cache_tags: JSON.stringify([tag]) } });
  expect(made.status).toBe('completed');
  expect(await purge({ tag })).toMatchObject({ meshes: [made.id] });
});

test('a row that could not be written comes when the result is sent again', async () => {
  const down = vi.spyOn(env.INDEX, 'batch').mockImplementation(failing('D1 is down'));
  const { sent } = await make(picture());
  expect(await rowsOf('meshes', sent.job.key)).toEqual([]);
  down.mockRestore();
  expect((await complete(sent)).status).toBe(200);
  expect(await rowsOf('meshes', sent.job.key)).toHaveLength(1);
});

test('a row that is written again keeps its uses', async () => {
  const manifest = meshManifest('1', { key: await sha256(crypto.randomUUID()) });
  await index.add(manifest);
  await index.addUses(new Map([[manifest.key, 9]]), 1_795_000_100);
  await index.add({ ...manifest, gpuMs: 8 });
  expect(await rowsOf('meshes', manifest.key)).toMatchObject([{ uses: 10, gpu_ms: 8, last_used_at: 1_795_000_100 }]);
});
