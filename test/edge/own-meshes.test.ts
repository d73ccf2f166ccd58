import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, test, vi } from 'vitest';
import { keyOfMeshId } from '../../contract/key.ts';
import { MeshObject } from '../../contract/mesh.ts';
import { call, errorOf, mesh, picture, post, type PostOptions } from './client.ts';
import { complete, networkOfEachTest, report } from './fake-origin.ts';
import { make, theJob } from './making.ts';
import { testKeys } from './secrets.ts';

const network = networkOfEachTest();

type Page = { object: string; data: MeshObject[]; first_id: string; last_id: string; has_more: boolean };
const globex = { key: testKeys.globex };
const list = async (query = '', init = {}) => (await call(`/v1/meshes${query}`, init)).json<Page>();

test("the list has this tenant's meshes page by page, newest first or oldest first", async () => {
  const ids: string[] = [];
  for (let n = 0; n < 5; n++) ids.push((await mesh(post(picture(), { fields: { metadata: `{"n":"${n}"}` } }))).id);
  const newest = ids.toReversed();
  const first = await list('?limit=2');
  expect(first).toMatchObject({ object: 'list', has_more: true, first_id: newest[0], last_id: newest[1] });
  for (const entry of first.data) MeshObject.parse(entry);
  expect(first.data.map(({ id, status, metadata }) => [id, status, metadata])).toEqual([
    [newest[0], 'queued', { n: '4' }],
    [newest[1], 'queued', { n: '3' }],
  ]);
  const second = await list(`?limit=2&after=${first.last_id}`);
  expect(second.data.map(({ id }) => id)).toEqual(newest.slice(2, 4));
  const others = await list('', globex);
  expect(others.data.filter(({ id }) => ids.includes(id))).toEqual([]);
  const up = await list(`?order=asc&after=${ids[2]}`);
  expect(up.data.map(({ id }) => id)).toEqual(ids.slice(3));
  expect(up.has_more).toBe(false);
});

test.each(['limit=0', 'limit=101', 'limit=x', 'order=up', 'after=mesh_1', `after=mesh_${'0'.repeat(64)}`, 'before=1'])(
  'a list with %s is refused by the name of the parameter',
  async (query) => {
    const [param, value] = query.split('=');
    const code = value === '1' ? 'unknown_parameter' : 'invalid_parameter';
    expect(await errorOf(call(`/v1/meshes?${query}`))).toMatchObject({ status: 400, code, param });
  },
);

test('a hit is listed once, and metadata stays with the tenant that gave it', async () => {
  const image = picture();
  const made = await make(network, image);
  await post(image, globex);
  await vi.waitFor(async () => expect((await list('', globex)).data[0]?.id).toBe(made.id));
  const hit = await mesh(post(image, { ...globex, fields: { metadata: '{"order":"7"}' } }));
  expect(hit).toMatchObject({ cache: { status: 'hit' }, metadata: { order: '7' } });
  const path = `/v1/meshes/${made.id}`;
  expect((await mesh(call(path, globex))).metadata).toEqual({ order: '7' });
  expect((await mesh(call(path))).metadata).toEqual({});
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 31_000 }); // the isolate forgets what it has noted
  await post(image, globex);
  expect((await mesh(call(path, globex))).metadata).toEqual({ order: '7' });
  const listed = (await list('', globex)).data.filter(({ id }) => id === made.id);
  expect(listed.map(({ metadata }) => metadata)).toEqual([{ order: '7' }]);
});

test('a shared mesh that is deleted leaves the list and stays for the others', async () => {
  const image = picture();
  const made = await make(network, image);
  const path = `/v1/meshes/${made.id}`;
  expect(await errorOf(call(path, { method: 'DELETE', ...globex }))).toMatchObject({ code: 'mesh_not_found' });
  const answer = await call(path, { method: 'DELETE' });
  expect(await answer.json()).toEqual({ id: made.id, object: 'mesh.deleted', deleted: true });
  expect((await list()).data.map(({ id }) => id)).not.toContain(made.id);
  expect((await call(`${path}/content`, globex)).status).toBe(200);
  expect(await errorOf(call(path, { method: 'DELETE' }))).toMatchObject({ status: 404, code: 'mesh_not_found' });
  await post(image);
  await vi.waitFor(async () => expect((await list()).data[0]?.id).toBe(made.id));
});

test('a listed mesh that is not stored any more says so', async () => {
  const made = await make(network, picture());
  await env.STORE.delete(`meshes/${keyOfMeshId(made.id)}.json`);
  await env.MANIFESTS.delete(`meshes/${keyOfMeshId(made.id)}.json`);
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 31_000 });
  const [entry] = (await list('?limit=1')).data;
  expect(entry).toMatchObject({ id: made.id, status: 'failed', error: { code: 'mesh_not_found' } });
  expect(MeshObject.parse(entry).asset).toBeNull();
});

const keyed = (name: string, options: PostOptions = {}): PostOptions => {
  return { ...options, headers: { 'idempotency-key': name, ...options.headers } };
};

test('a request repeated under its idempotency key gets the same mesh, though nobody else could find it', async () => {
  const image = picture();
  const options = keyed('once', { fields: { cache_mode: 'no_store' } });
  const [first, twin] = await Promise.all([mesh(post(image, options)), mesh(post(image, options))]);
  expect(twin.id).toBe(first.id);
  const sent = await theJob(network);
  await complete(sent);
  const again = await mesh(post(image, options));
  expect(again).toMatchObject({ id: first.id, status: 'completed' });
  expect(network.jobs).toHaveLength(1);
  const stranger = await mesh(post(image, { ...options, ...globex }));
  expect(stranger.id).not.toBe(first.id);
});

test('another request under the same idempotency key is a 409 that is not to be retried', async () => {
  const image = picture();
  await post(image, keyed('twice'));
  expect((await post(image, keyed('twice'))).status).toBe(202);
  const others: [Uint8Array<ArrayBuffer>, Record<string, string>][] = [
    [picture(), {}],
    [image, { texture: 'false' }],
    [image, { metadata: '{"a":"b"}' }],
  ];
  for (const [other, fields] of others) {
    const answer = await post(other, keyed('twice', { fields }));
    expect(answer.headers.get('x-should-retry')).toBe('false');
    expect(await errorOf(answer)).toMatchObject({ status: 409, code: 'idempotency_key_reused' });
  }
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 24 * 3600_000 + 1000 });
  await report();
  expect((await post(picture(), keyed('twice'))).status).toBe(202);
});

test('a refresh repeated under its idempotency key is not made twice', async () => {
  const image = picture();
  const old = await make(network, image);
  const options = keyed('fresh', { ...globex, fields: { cache_mode: 'refresh' } });
  const renewed = await make(network, image, options);
  expect(renewed.asset?.sha256).not.toBe(old.asset?.sha256);
  expect((await mesh(post(image, options))).asset).toEqual(renewed.asset);
  expect(network.jobs).toHaveLength(0);
});

test('a tenant keeps 100,000 listed meshes and idempotency keys: old meshes go, new keys wait', async () => {
  const tenant = env.TENANT.getByName('initech');
  const initech = { key: testKeys.initech };
  const first = await mesh(post(picture(), { ...initech, ...keyed('the-first') }));
  await runInDurableObject(tenant, (_, { storage: { sql } }) => {
    const last = sql.exec<{ last: number }>('SELECT max(sequence) AS last FROM meshes').one().last + 100_000 - 1;
    sql.exec(
      "INSERT INTO meshes SELECT ?, 'later', 0, model, output_format, scope, metadata FROM meshes LIMIT 1",
      last,
    );
    sql.exec("INSERT INTO claims SELECT ?, 'later', fingerprint, plan, 0, at_ms FROM claims LIMIT 1", 100_000);
  });
  expect((await list('?limit=100', initech)).data.map(({ id }) => id)).toContain(first.id);
  const answer = await post(picture(), { ...initech, ...keyed('one-too-many') });
  expect(answer.headers.get('retry-after')).toBe('60');
  expect(await errorOf(answer)).toMatchObject({ status: 429, code: 'rate_limit_exceeded' });
  const second = await mesh(post(picture(), initech));
  const ids = (await list('?limit=100', initech)).data.map(({ id }) => id);
  expect(ids).toContain(second.id);
  expect(ids).not.toContain(first.id);
});

test.each(['', 'a b', 'x'.repeat(256)])('the idempotency key %j is refused', async (name) => {
  const error = await errorOf(post(picture(), keyed(name)));
  expect(error).toMatchObject({ status: 400, code: 'invalid_parameter', param: 'Idempotency-Key' });
});
