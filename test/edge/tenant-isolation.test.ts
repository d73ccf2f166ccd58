import { expect, test, vi } from 'vitest';
import { call, errorOf, mesh, picture, post } from './client.ts';
import { complete, networkOfEachTest } from './fake-origin.ts';
import { theJob } from './making.ts';
import { testKeys } from './secrets.ts';

const network = networkOfEachTest();

async function keyOf(tenant: string): Promise<string> {
  const body = JSON.stringify({ tenant });
  const answer = await call('/admin/keys', { method: 'POST', key: testKeys.admin, body });
  return (await answer.json<{ key: string }>()).key;
}

test("a key of the store reaches nothing of another tenant's, and another key of the same tenant all of it", async () => {
  const [owner, colleague, stranger] = [await keyOf('owner'), await keyOf('owner'), await keyOf('stranger')];
  const image = picture();
  const fields = { cache_scope: 'private', metadata: '{"order":"7"}' };
  const headers = { 'idempotency-key': 'order-7' };
  const { id } = await mesh(post(image, { key: owner, fields, headers }));
  await complete(await theJob(network), { gpuMs: 40 });

  const paths = [`/v1/meshes/${id}`, `/v1/meshes/${id}/content`, `/v1/meshes/${id}/events`];
  for (const path of paths) {
    expect((await call(path, { key: colleague })).status).toBe(200);
    expect(await errorOf(call(path, { key: stranger }))).toMatchObject({ status: 404, code: 'mesh_not_found' });
  }
  for (const [path, method] of [
    [`/v1/meshes/${id}/cancel`, 'POST'],
    [`/v1/meshes/${id}`, 'DELETE'],
  ] as const) {
    expect((await errorOf(call(path, { method, key: stranger }))).code).toBe('mesh_not_found');
  }
  const list = async (key: string) => (await call('/v1/meshes', { key })).json<{ data: { id: string }[] }>();
  expect((await list(colleague)).data.map((listed) => listed.id)).toEqual([id]);
  expect((await list(stranger)).data).toEqual([]);

  network.jobs.length = 0;
  const same = await mesh(post(image, { key: colleague, fields, headers }));
  expect([same.id, same.cache.status]).toEqual([id, 'hit']);
  const theirs = await mesh(post(image, { key: stranger, fields, headers }));
  expect([theirs.id === id, theirs.cache.status]).toEqual([false, 'miss']);

  const spent = async (key: string) => {
    const { data } = await (await call('/v1/usage', { key })).json<{ data: { gpu_ms_spent: number }[] }>();
    return data.reduce((sum, day) => sum + day.gpu_ms_spent, 0);
  };
  await vi.waitFor(async () => expect(await spent(colleague)).toBe(40), 5000);
  expect(await spent(stranger)).toBe(0);
});
