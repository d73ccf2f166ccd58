import { env } from 'cloudflare:workers';
import { runDurableObjectAlarm } from 'cloudflare:test';
import { expect, test, vi } from 'vitest';
import { keyOfMeshId } from '../../contract/key.ts';
import type { MeshObject } from '../../contract/mesh.ts';
import { call, dataUrl, errorOf, mesh, picture, post, postJson } from './client.ts';
import { complete, networkOfEachTest, putResult } from './fake-origin.ts';
import { make, theJob } from './making.ts';
import { testKeys } from './secrets.ts';

const network = networkOfEachTest();

/** A key with the scope `admin`. */
const admin = { key: testKeys.globex, fields: { cache_mode: 'refresh' }, headers: { prefer: 'wait=30' } };

/** What a reader gets whose isolate and location have forgotten their copies. */
async function stored(id: string): Promise<MeshObject> {
  for (const { name } of (await env.MANIFESTS.list({ prefix: 'meshes/' })).keys) await env.MANIFESTS.delete(name);
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 31_000 });
  return mesh(call(`/v1/meshes/${id}`));
}

test('a refresh makes a shared mesh anew, while others are served the old one', async () => {
  const image = picture();
  const old = await make(network, image);
  const refreshed = post(image, admin);
  const sent = await theJob(network);
  expect(keyOfMeshId(old.id)).toBe(sent.job.key);
  expect(await mesh(post(image))).toMatchObject({ asset: old.asset, cache: { status: 'hit' } });
  expect((await complete(sent)).status).toBe(200);
  const renewed = await mesh(refreshed);
  expect(renewed).toMatchObject({ id: old.id, status: 'completed', cache: { status: 'miss' } });
  expect(renewed.asset?.sha256).not.toBe(old.asset?.sha256);
  expect((await stored(old.id)).asset).toEqual(renewed.asset);
});

test('refreshing a shared mesh needs the scope admin, a private one does not', async () => {
  const image = picture();
  const { key: _, ...tenant } = admin;
  const form = errorOf(post(image, tenant));
  expect(await form).toMatchObject({ status: 403, code: 'insufficient_scope', param: 'cache_mode' });
  const json = errorOf(postJson({ image: dataUrl(image), cache: { mode: 'refresh' } }));
  expect(await json).toMatchObject({ status: 403, code: 'insufficient_scope', param: 'cache.mode' });
  expect(network.jobs).toHaveLength(0);
  const own = { ...tenant, fields: { ...tenant.fields, cache_scope: 'private' } };
  const first = await make(network, image, own);
  const second = await make(network, image, own);
  expect(second.id).toBe(first.id);
  expect(second.asset?.sha256).not.toBe(first.asset?.sha256);
});

test('refreshes at once reach the origin once, and its repeated result changes nothing', async () => {
  const image = picture();
  const old = await make(network, image);
  const answers = Array.from({ length: 20 }, () => post(image, admin));
  const sent = await theJob(network);
  await complete(sent);
  const meshes = await Promise.all(answers.map((answer) => mesh(answer)));
  const digests = new Set(meshes.map(({ asset }) => asset?.sha256));
  expect(digests.size).toBe(1);
  expect(digests.has(old.asset?.sha256)).toBe(false);
  expect(network.jobs).toHaveLength(1);
  expect((await complete(sent)).status).toBe(200);
  expect(digests.has((await stored(old.id)).asset?.sha256)).toBe(true);
});

test('a refresh whose end was never heard of is ended by its alarm, and not by the mesh that it replaces', async () => {
  const image = picture();
  const { id } = await make(network, image);
  const key = keyOfMeshId(id) ?? '';
  const answer = post(image, admin);
  const sent = await theJob(network);
  const before = await (await env.STORE.get(`meshes/${key}.json`))?.text();
  expect(await runDurableObjectAlarm(env.FLIGHT.getByName(key))).toBe(true);
  expect(network.jobs).toHaveLength(1);
  // The write-back got as far as the manifest.
  await env.STORE.put(`meshes/${key}.json`, (before ?? '').replace('"provider":"cpu"', '"provider":"cuda"'));
  expect(await runDurableObjectAlarm(env.FLIGHT.getByName(key))).toBe(true);
  expect(await mesh(answer)).toMatchObject({ status: 'completed', provider: 'cuda' });
  expect((await complete(sent)).status).toBe(200);
  expect(await stored(id)).toMatchObject({ provider: 'cuda' });
});

test('a cancelled refresh leaves the old mesh in its place', async () => {
  const image = picture();
  const old = await make(network, image);
  const answer = post(image, admin);
  const sent = await theJob(network);
  await call(`/v1/meshes/${old.id}/cancel`, { method: 'POST', key: testKeys.globex });
  expect(await mesh(answer)).toMatchObject({ status: 'cancelled' });
  await vi.waitFor(() => expect(network.cancelled).toEqual([sent.job.key]));
  await complete(sent);
  expect((await stored(old.id)).asset).toEqual(old.asset);
});

test('a refresh is not answered with a remembered failure', async () => {
  const image = picture();
  const answer = post(image, { headers: { prefer: 'wait=30' } });
  const { job } = await theJob(network);
  const failure = { code: 'unprocessable_image', message: 'Nothing stands out.' } as const;
  await putResult(job.key, { outcome: 'failed', fence: job.fence, failure });
  expect((await answer).status).toBe(422);
  network.jobs.length = 0;
  expect(await make(network, image, admin)).toMatchObject({ status: 'completed' });
});
