import { env, exports } from 'cloudflare:workers';
import { expect, test, vi } from 'vitest';
import { keyOfMeshId } from '../../contract/key.ts';
import { parseApiKeys } from '../../edge/access/api-keys.ts';
import { parseUrlSecret } from '../../edge/meshes/asset-url.ts';
import { manifestOf } from '../mesh-manifest.ts';
import { call, errorOf, mesh, picture, post, postJson } from './client.ts';
import { complete, meshBytes, networkOfEachTest, putMesh, putResult, report } from './fake-origin.ts';
import { make, theJob } from './making.ts';
import { testKeys } from './secrets.ts';

const network = networkOfEachTest();

const inPrivate = { fields: { cache_scope: 'private' } };
const globex = { key: testKeys.globex };

/** An asset by its URL alone, with no API key. */
const fetchUrl = (url: string | undefined) => exports.default.fetch(url ?? '');
const privateNames = async (key: string) => (await env.STORE.list({ prefix: `private/${key}/` })).objects;

test('the same picture in private is another mesh for each tenant, made by a job of its own', async () => {
  const image = picture();
  const shared = await make(network, image);
  const acme = await make(network, image, inPrivate);
  const other = await make(network, image, { ...inPrivate, ...globex });
  expect(new Set([shared.id, acme.id, other.id]).size).toBe(3);
  expect(await mesh(post(image, inPrivate))).toMatchObject({ id: acme.id, cache: { status: 'hit' } });
  expect(await mesh(post(image))).toMatchObject({ id: shared.id, cache: { status: 'hit' } });
  expect(network.jobs).toHaveLength(0);
});

test("another tenant's private mesh does not exist, neither stored nor in the making", async () => {
  const answer = post(picture(), { ...inPrivate, headers: { prefer: 'wait=30' } });
  const sent = await theJob(network);
  const path = `/v1/meshes/mesh_${sent.job.key}`;
  const refusals = async () => {
    const calls: [string, RequestInit][] = [
      [path, {}],
      [`${path}/content`, {}],
      [`${path}/thumbnail`, {}],
      [`${path}/events`, {}],
      [`${path}/cancel`, { method: 'POST' }],
      [path, { method: 'DELETE' }],
    ];
    for (const [to, init] of calls) {
      const error = await errorOf(call(to, { ...init, ...globex }));
      expect(error, `${init.method ?? 'GET'} ${to}`).toMatchObject({ status: 404, code: 'mesh_not_found' });
    }
    const { data } = await (await call('/v1/meshes?limit=100', globex)).json<{ data: { id: string }[] }>();
    expect(data.map(({ id }) => id)).not.toContain(`mesh_${sent.job.key}`);
  };
  await refusals();
  expect((await complete(sent)).status).toBe(200);
  await refusals();
  expect((await mesh(answer)).status).toBe('completed');
  const content = await call(`${path}/content`);
  expect(content.headers.get('cache-control')).toBe('private, no-store');
  expect(new Uint8Array(await content.arrayBuffer())).toEqual(meshBytes(sent.job));
});

test('the manifest of a private mesh names no tenant', async () => {
  const made = await make(network, picture(), inPrivate);
  const text = (await (await env.STORE.get(`meshes/${keyOfMeshId(made.id)}.json`))?.text()) ?? '';
  expect(JSON.parse(text)).toHaveProperty('owner', expect.stringMatching(/^[0-9a-f]{64}$/));
  expect(text).not.toContain('acme');
});

test('an origin can make nobody the owner of a mesh', async () => {
  const answer = post(picture(), { headers: { prefer: 'wait=30' } });
  const sent = await theJob(network);
  await complete(sent, { owner: 'a'.repeat(64) });
  const made = await mesh(answer);
  expect(await mesh(call(`/v1/meshes/${made.id}`, globex))).toMatchObject({ status: 'completed' });
});

test("a private asset's URL works without a key until it expires, and for nothing else", async () => {
  const first = await make(network, picture(), inPrivate);
  const second = await make(network, picture(), inPrivate);
  const url = first.asset?.url ?? '';
  for (let read = 0; read < 2; read++) {
    const response = await fetchUrl(url);
    expect(response.headers.get('cache-control')).toBe('private, no-store');
    expect(response.headers.get('cache-status')).toBe('meshkiln; hit; detail=r2');
    expect((await response.arrayBuffer()).byteLength).toBe(first.asset?.bytes);
  }
  expect((await fetchUrl(url.split('?')[0])).status).toBe(404);
  const tampered = (change: (url: URL) => void) => {
    const copy = new URL(url);
    change(copy);
    return errorOf(fetchUrl(copy.href));
  };
  const refused = { status: 403, code: 'invalid_asset_url' };
  const later = String(Math.floor(Date.now() / 1000) + 7200);
  expect(await tampered((copy) => copy.searchParams.set('expires', later))).toMatchObject(refused);
  expect(await tampered((copy) => copy.searchParams.set('mesh', second.id))).toMatchObject(refused);
  expect(await tampered((copy) => copy.searchParams.set('signature', '0'.repeat(64)))).toMatchObject(refused);
  expect(await tampered((copy) => copy.searchParams.set('signature', 'short'))).toMatchObject(refused);
  expect(await tampered((copy) => copy.searchParams.delete('expires'))).toMatchObject(refused);
  const otherFile = `/assets/${second.asset?.sha256}.glb`;
  expect(await tampered((copy) => (copy.pathname = otherFile))).toMatchObject(refused);

  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3601_000 });
  expect(await errorOf(fetchUrl(url))).toMatchObject(refused);
  const renewed = await mesh(call(`/v1/meshes/${first.id}`));
  expect((await fetchUrl(renewed.asset?.url)).status).toBe(200);
});

test('a key that is private by default shares only what it says it shares', async () => {
  const image = picture();
  const initech = { key: testKeys.initech };
  const own = await make(network, image, initech);
  expect(own.asset?.url).toContain('signature=');
  expect(await mesh(post(image, { ...initech, ...inPrivate }))).toMatchObject({ id: own.id });
  const shared = await make(network, image, { ...initech, fields: { cache_scope: 'shared' } });
  expect(await mesh(post(image))).toMatchObject({ id: shared.id, cache: { status: 'hit' } });
});

test('a deleted private mesh is gone with its bytes, its list entry and its flight', async () => {
  const image = picture();
  const made = await make(network, image, inPrivate);
  const key = keyOfMeshId(made.id) ?? '';
  expect(await privateNames(key)).toHaveLength(1);
  const answer = await call(`/v1/meshes/${made.id}`, { method: 'DELETE' });
  expect(await answer.json()).toEqual({ id: made.id, object: 'mesh.deleted', deleted: true });
  expect(await privateNames(key)).toHaveLength(0);
  expect(await env.STORE.head(`meshes/${key}.json`)).toBeNull();
  expect((await fetchUrl(made.asset?.url)).status).toBe(404);
  expect(await errorOf(call(`/v1/meshes/${made.id}`))).toMatchObject({ code: 'mesh_not_found' });

  const flying = post(image, { ...inPrivate, headers: { prefer: 'wait=30' } });
  const sent = await theJob(network);
  await putMesh(sent.job);
  expect((await call(`/v1/meshes/${made.id}`, { method: 'DELETE' })).status).toBe(200);
  expect(await mesh(flying)).toMatchObject({ status: 'cancelled' });
  await putMesh(sent.job);
  const manifest = await manifestOf(sent.job, meshBytes(sent.job));
  const late = putResult(key, { outcome: 'completed', fence: sent.job.fence, manifest });
  expect(await errorOf(late)).toMatchObject({ status: 410, code: 'mesh_withdrawn' });
  expect(await privateNames(key)).toHaveLength(0);
});

test('the surface of a deleted private mesh goes with the last mesh that was made of it', async () => {
  const image = picture();
  const geometryKey = 'e'.repeat(64);
  await env.STORE.put(`geometry/${geometryKey}`, 'surface');
  const ids: string[] = [];
  for (const texture of ['true', 'false']) {
    const answer = post(image, { fields: { ...inPrivate.fields, texture }, headers: { prefer: 'wait=30' } });
    await complete(await theJob(network), { geometryKey });
    ids.push((await mesh(answer)).id);
    network.jobs.length = 0;
  }
  await call(`/v1/meshes/${ids[0]}`, { method: 'DELETE' });
  expect(await env.STORE.head(`geometry/${geometryKey}`)).not.toBeNull();
  await call(`/v1/meshes/${ids[1]}`, { method: 'DELETE' });
  expect(await env.STORE.head(`geometry/${geometryKey}`)).toBeNull();
});

test('a picture by its digest is answered only to a tenant that has sent it', async () => {
  const image = picture();
  const made = await make(network, image);
  const sha256 = (await (await env.STORE.get(`meshes/${keyOfMeshId(made.id)}.json`))?.json<{ imageSha256: string }>())
    ?.imageSha256 as string;
  const named = { fields: { image_sha256: sha256 } };
  expect(await mesh(post(null, named))).toMatchObject({ id: made.id, cache: { status: 'hit' } });
  expect(await mesh(postJson({ image: { sha256 } }))).toMatchObject({ id: made.id, cache: { status: 'hit' } });
  const stranger = await post(null, { ...named, ...globex });
  expect(stranger.headers.get('x-should-retry')).toBe('false');
  const refused = { status: 409, code: 'image_required', param: 'image' };
  expect(await errorOf(stranger)).toMatchObject(refused);
  expect(await errorOf(post(null, { fields: { image_sha256: 'b'.repeat(64) } }))).toMatchObject(refused);
  expect(network.jobs).toHaveLength(0);
  // A hit is noted after its answer.
  await post(image, globex);
  await vi.waitFor(async () => expect((await post(null, { ...named, ...globex })).status).toBe(200));
});

test('a picture by its digest that is a miss is made from the stored picture, while there is one', async () => {
  const image = picture();
  await make(network, image);
  const [input] = (await env.STORE.list({ prefix: 'inputs/' })).objects.toSorted(
    (a, b) => b.uploaded.getTime() - a.uploaded.getTime(),
  );
  const sha256 = input?.key.split('/')[1] ?? '';
  // So old that the sweep would take it from under the new flight.
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 13 * 3600_000 });
  await report();
  const before = await env.STORE.head(`inputs/${sha256}`);
  const fields = { image_sha256: sha256, texture: 'false' };
  const answer = post(null, { fields, headers: { prefer: 'wait=30' } });
  const sent = await theJob(network);
  expect(sent.image).toEqual(image);
  expect(sent.job.imageBytes).toBe(image.byteLength);
  expect((await env.STORE.head(`inputs/${sha256}`))?.version).not.toBe(before?.version);
  await complete(sent);
  expect((await answer).status).toBe(200);
  network.jobs.length = 0;
  await env.STORE.delete(`inputs/${sha256}`);
  const again = post(null, { fields: { ...fields, target_face_count: '500' } });
  expect(await errorOf(again)).toMatchObject({ status: 409, code: 'image_required' });
  expect((await post(null, { fields })).status).toBe(200);
  expect(network.jobs).toHaveLength(0);
});

test('a tenant named as the shared scope and a short URL secret are refused at the start', () => {
  const key = { sha256: 'a'.repeat(64), tenant: 'shared', scopes: ['meshes'] };
  expect(() => parseApiKeys(JSON.stringify([key]))).toThrow(/API_KEYS/);
  expect(() => parseUrlSecret('short')).toThrow(/URL_SECRET/);
  expect(() => parseUrlSecret(undefined)).toThrow(/URL_SECRET/);
});
