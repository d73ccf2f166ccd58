import { env } from 'cloudflare:workers';
import { expect, test, vi } from 'vitest';
import { sha256 } from '../../contract/digest.ts';
import { keyOfMeshId, meshId } from '../../contract/key.ts';
import type { MeshManifest } from '../../contract/mesh.ts';
import { openStores } from '../../edge/store/stores.ts';
import { Manifests } from '../../edge/store/manifests.ts';
import { purgedMeshesMax } from '../../edge/removal/purge.ts';
import { manifestOf, meshManifest } from '../mesh-manifest.ts';
import { bisque } from '../origin-report.ts';
import { call, errorOf, mesh, picture, post, type PostOptions } from './client.ts';
import {
  complete,
  meshBytes,
  networkOfEachTest,
  originCall,
  putMesh,
  putResult,
  report,
  type SentJob,
} from './fake-origin.ts';
import { jobMsMax } from './making.ts';
import { testKeys } from './secrets.ts';

const network = networkOfEachTest();

const forgottenAfterSeconds = {
  r2: 0,
  kv: 60,
  manifests_in_memory: 90,
  assets_in_colo: 3600,
  assets_in_memory: 3630,
  browsers: null,
};

function admin(method: string, path: string, body?: unknown): Promise<Response> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return call(path, { method, key: testKeys.admin, ...(body !== undefined && { body: text }) });
}

type Purged = { complete: boolean; meshes: string[]; flights_ended: string[]; digests: string[]; geometry: string[] };

async function purge(body: unknown): Promise<Purged> {
  const answer = await admin('POST', '/admin/purge', body);
  expect(answer.status).toBe(200);
  return answer.json<Purged>();
}

/** The job of a request that was just made. */
async function nextJob(count = 1): Promise<SentJob> {
  return vi.waitFor(() => {
    const sent = network.jobs[count - 1];
    if (sent === undefined) throw new Error('no job yet');
    return sent;
  }, jobMsMax);
}

async function make(image: Uint8Array<ArrayBuffer>, changes: Partial<MeshManifest> = {}, options: PostOptions = {}) {
  const count = network.jobs.length + 1;
  const answer = post(image, { ...options, headers: { prefer: 'wait=30' } });
  const sent = await nextJob(count);
  expect((await complete(sent, changes)).status).toBe(200);
  return { sent, made: await mesh(answer) };
}

test('a purge needs a key with the scope "admin"', async () => {
  const refused = call('/admin/purge', { method: 'POST', body: '{}' });
  expect(await errorOf(refused)).toMatchObject({ status: 403, code: 'insufficient_scope' });
  const unknown = call('/admin/purge', { method: 'POST', body: '{}', key: 'mk_nobody' });
  expect(await errorOf(unknown)).toMatchObject({ status: 401, code: 'invalid_api_key' });
});

test.each<[string, unknown, string, string | null]>([
  ['nothing to purge by', {}, 'invalid_request', null],
  ['two things at once', { id: meshId('1'.repeat(64)), model: 'bisque@1' }, 'invalid_request', null],
  ['an id that is none', { id: '1'.repeat(64) }, 'invalid_parameter', 'id'],
  ['a model with no version', { model: 'bisque' }, 'invalid_parameter', 'model'],
  ['a digest in capitals', { image_sha256: 'A'.repeat(64) }, 'invalid_parameter', 'image_sha256'],
  ['an unknown field', { id: meshId('1'.repeat(64)), force: true }, 'unknown_parameter', 'force'],
  ['a takedown of a model', { model: 'bisque@1', takedown: true }, 'invalid_parameter', 'takedown'],
  ['no JSON', '{', 'invalid_request', null],
])('a purge with %s is refused', async (_, body, code, param) => {
  expect(await errorOf(admin('POST', '/admin/purge', body))).toMatchObject({ status: 400, code, param });
});

test('a purge by picture takes its meshes with their surface, and says by when each layer forgets', async () => {
  const image = picture();
  const geometryKey = await sha256(crypto.randomUUID());
  await env.STORE.put(`geometry/${geometryKey}`, 'surface');
  const { sent, made } = await make(image, { geometryKey });
  const imageSha256 = await sha256(image);
  const answer = await admin('POST', '/admin/purge', { image_sha256: imageSha256 });
  expect(await answer.json()).toEqual({
    object: 'purge',
    complete: true,
    meshes: [made.id],
    flights_ended: [],
    digests: [await sha256(meshBytes(sent.job)), imageSha256],
    geometry: [geometryKey],
    shared: [],
    forgotten_after_seconds: forgottenAfterSeconds,
  });
  expect(await errorOf(call(`/v1/meshes/${made.id}`))).toMatchObject({ status: 404, code: 'mesh_not_found' });
  expect((await call(`/assets/${made.asset?.sha256}.glb`)).status).toBe(404);
  for (const name of [`geometry/${geometryKey}`, `inputs/${imageSha256}`, `meshes/${sent.job.key}.json`]) {
    expect(await env.STORE.head(name)).toBeNull();
  }
  expect((await make(image)).made).toMatchObject({ id: made.id, status: 'completed', cache: { status: 'miss' } });
});

test.each(['id', 'image_sha256', 'model'])('a purge by %s ends the flight; its result is refused', async (by) => {
  const image = picture();
  await report('one', { models: [{ ...bisque, id: 'fleeting@1' }] });
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 31_000 }); // past what the isolate remembers of the models
  await report('one', { models: [{ ...bisque, id: 'fleeting@1' }] });
  const waiting = post(image, { fields: { model: 'fleeting@1' }, headers: { prefer: 'wait=30' } });
  const sent = await nextJob();
  const id = meshId(sent.job.key);
  const selector = { id, image_sha256: await sha256(image), model: 'fleeting@1' }[by];
  // Until it is promised to somebody, a purge may be too early for it.
  await vi.waitFor(async () =>
    expect(await purge({ [by]: selector })).toMatchObject({ meshes: [], flights_ended: [id] }),
  );
  expect(await mesh(waiting)).toMatchObject({ id, status: 'cancelled' });
  expect(network.cancelled).toContain(sent.job.key);
  expect(await errorOf(complete(sent))).toMatchObject({ status: 410, code: 'mesh_withdrawn' });
  expect(await env.STORE.head(`meshes/${sent.job.key}.json`)).toBeNull();
});

test('a purge that comes while a result is being stored leaves nothing of it', async () => {
  const { id } = await mesh(post(picture()));
  const sent = await nextJob();
  const { replace } = Manifests.prototype;
  vi.spyOn(Manifests.prototype, 'replace').mockImplementationOnce(async function (this: Manifests, ...stored) {
    expect(await purge({ id })).toMatchObject({ flights_ended: [id] });
    return replace.apply(this, stored);
  });
  expect(await errorOf(complete(sent))).toMatchObject({ status: 410, code: 'mesh_withdrawn' });
  expect(await env.STORE.head(`meshes/${sent.job.key}.json`)).toBeNull();
  expect(await mesh(call(`/v1/meshes/${id}`))).toMatchObject({ status: 'cancelled' });
});

test('bytes that an origin sends again after a purge do not stay behind its refused result', async () => {
  const { sent, made } = await make(picture());
  const file = `/assets/${made.asset?.sha256}.glb`;
  expect(await purge({ id: made.id })).toMatchObject({ meshes: [made.id] });
  expect(await errorOf(complete(sent))).toMatchObject({ status: 410, code: 'mesh_withdrawn' });
  expect((await call(file)).status).toBe(404);
});

test('bytes of a refused result go, though an earlier call had begun to store it', async () => {
  const { id } = await mesh(post(picture()));
  const { job, ...from } = await nextJob();
  const manifest = await manifestOf(job, meshBytes(job));
  await openStores(env).entries.write(manifest);
  await purge({ id });
  expect(await errorOf(complete({ job, ...from }))).toMatchObject({ status: 410, code: 'mesh_withdrawn' });
  expect(await env.STORE.head(`blobs/${manifest.asset.sha256}`)).toBeNull();
});

test('no mesh is stored without a blob that a refused result took with it', async () => {
  const { id } = await mesh(post(picture()));
  const refused = await nextJob();
  await post(picture());
  const taker = await nextJob(2);
  await purge({ id });
  const body = new TextEncoder().encode(crypto.randomUUID());
  const thumbnail = {
    sha256: await sha256(body),
    bytes: body.byteLength,
    mediaType: 'image/webp',
    extension: 'webp',
  } as const;
  const path = `/origin/blobs/${thumbnail.sha256}`;
  expect((await originCall('PUT', path, { body, contentType: 'image/webp' })).status).toBe(200);
  const remove = env.STORE.delete.bind(env.STORE);
  let met = false;
  vi.spyOn(env.STORE, 'delete').mockImplementation(async (names) => {
    if (!met && names === `blobs/${thumbnail.sha256}`) {
      met = true;
      expect((await complete(taker, { thumbnail })).status).toBe(200);
    }
    return remove(names);
  });
  expect(await errorOf(complete(refused, { thumbnail }))).toMatchObject({ status: 410, code: 'mesh_withdrawn' });
  expect(met).toBe(true);
  for (const name of [`blobs/${thumbnail.sha256}`, `meshes/${taker.job.key}.json`]) {
    expect(await env.STORE.head(name), name).toBeNull();
  }
});

test('a picture that was taken down is refused, and may come back when the operator says so', async () => {
  const image = picture();
  const imageSha256 = await sha256(image);
  const { made } = await make(image);
  const takedown = { image_sha256: imageSha256, takedown: true, reason: 'not theirs' };
  expect(await purge(takedown)).toMatchObject({ meshes: [made.id] });
  const refused = await post(image);
  expect(refused.headers.get('x-should-retry')).toBeNull();
  expect(await errorOf(refused)).toMatchObject({ status: 410, code: 'taken_down' });
  expect(await env.STORE.head(`inputs/${imageSha256}`)).toBeNull();
  const list = await (await admin('GET', '/admin/takedowns')).json<{ data: { sha256: string; reason: string }[] }>();
  expect(list.data).toContainEqual(expect.objectContaining({ sha256: imageSha256, reason: 'not theirs' }));
  expect((await admin('DELETE', `/admin/takedowns/${imageSha256}`)).status).toBe(200);
  expect((await post(image)).status).toBe(202);
});

test('a mesh that was taken down ends the flight that makes it again', async () => {
  const image = picture();
  const { sent, made } = await make(image);
  const asset = await sha256(meshBytes(sent.job));
  expect(await purge({ asset_sha256: asset, takedown: true })).toMatchObject({ meshes: [made.id] });
  expect(await errorOf(call(`/assets/${asset}.glb`))).toMatchObject({ status: 410, code: 'taken_down' });
  const waiting = post(image, { headers: { prefer: 'wait=30' } });
  const again = await nextJob(2);
  // The same bytes as the first time, as from a model that always gives the same.
  await putMesh(sent.job);
  const manifest = await manifestOf(again.job, meshBytes(sent.job));
  const repeated = putResult(again.job.key, { outcome: 'completed', fence: again.job.fence, manifest }, again.originId);
  expect(await errorOf(repeated)).toMatchObject({ status: 410, code: 'taken_down' });
  expect(await errorOf(waiting)).toMatchObject({ status: 410, code: 'taken_down' });
  expect(await env.STORE.head(`blobs/${asset}`)).toBeNull();
});

test('a picture that is taken down while its mesh is being made has none', async () => {
  const image = picture();
  const { id } = await mesh(post(image));
  const sent = await nextJob();
  await openStores(env).takedowns.add({ sha256: await sha256(image), reason: 'not theirs', atSeconds: 1 });
  expect(await errorOf(complete(sent))).toMatchObject({ status: 410, code: 'taken_down' });
  expect(await mesh(call(`/v1/meshes/${id}`))).toMatchObject({ status: 'failed', error: { code: 'taken_down' } });
  expect(await env.STORE.head(`meshes/${sent.job.key}.json`)).toBeNull();
});

test('a mesh that is taken down before its bytes can be found by does not stay', async () => {
  const waiting = post(picture(), { headers: { prefer: 'wait=30' } });
  const sent = await nextJob();
  const asset = await sha256(meshBytes(sent.job));
  const { name } = Manifests.prototype;
  vi.spyOn(Manifests.prototype, 'name').mockImplementationOnce(async function (this: Manifests, manifest) {
    expect(await purge({ asset_sha256: asset, takedown: true })).toMatchObject({ meshes: [] });
    return name.call(this, manifest);
  });
  expect(await errorOf(complete(sent))).toMatchObject({ status: 410, code: 'taken_down' });
  const { id } = await mesh(waiting);
  expect(await errorOf(call(`/v1/meshes/${id}`))).toMatchObject({ status: 404, code: 'mesh_not_found' });
  const left = (await env.STORE.list()).objects.map(({ key }) => key);
  expect(left.filter((key) => key === `blobs/${asset}` || key.endsWith(sent.job.key))).toEqual([]);
});

test('a purge that comes before a mesh can be found by its bytes leaves nothing of it', async () => {
  const { id } = await mesh(post(picture()));
  const sent = await nextJob();
  const { name } = Manifests.prototype;
  vi.spyOn(Manifests.prototype, 'name').mockImplementationOnce(async function (this: Manifests, manifest) {
    expect(await purge({ id })).toMatchObject({
      meshes: [id],
      digests: expect.arrayContaining([manifest.asset.sha256]),
    });
    return name.call(this, manifest);
  });
  expect((await complete(sent)).status).toBe(200);
  const left = (await env.STORE.list()).objects.map(({ key }) => key);
  expect(left.filter((key) => key.includes(sent.job.key))).toEqual([]);
});

test('a refresh whose bytes were taken down leaves the mesh that it was to replace, and a purge finds that', async () => {
  const image = picture();
  const { made } = await make(image);
  const refreshing = post(image, { key: testKeys.globex, fields: { cache_mode: 'refresh' } });
  const sent = await nextJob(2);
  const asset = await sha256(meshBytes(sent.job));
  await openStores(env).takedowns.add({ sha256: asset, reason: 'not theirs', atSeconds: 1 });
  expect(await errorOf(complete(sent))).toMatchObject({ status: 410, code: 'taken_down' });
  expect((await refreshing).status).toBe(202);
  expect(await mesh(post(image))).toMatchObject({ asset: made.asset, cache: { status: 'hit' } });
  expect(await purge({ image_sha256: await sha256(image) })).toMatchObject({ meshes: [made.id] });
});

/** As many meshes of a model as one round takes, and three more. */
async function storeMany(model: string): Promise<MeshManifest[]> {
  const manifests = Array.from({ length: purgedMeshesMax + 3 }, (_, number) =>
    meshManifest('1', { key: number.toString(16).padStart(64, 'e'), model }),
  );
  for (const manifest of manifests) {
    await openStores(env).entries.write(manifest);
    await env.STORE.put(`meshes/${manifest.key}.json`, JSON.stringify(manifest));
  }
  return manifests;
}

test('a purge that takes long stops between two rounds, and the same call goes on', { timeout: 60_000 }, async () => {
  await storeMany('slow@1');
  const { readKept } = Manifests.prototype;
  vi.spyOn(Manifests.prototype, 'readKept').mockImplementation(function (this: Manifests, key) {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 1000 });
    return readKept.call(this, key);
  });
  const first = await purge({ model: 'slow@1' });
  expect([first.meshes.length, first.complete]).toEqual([purgedMeshesMax, false]);
  const second = await purge({ model: 'slow@1' });
  expect([second.meshes.length, second.complete]).toEqual([3, true]);
});

test('more meshes than one round takes go in one call', { timeout: 60_000 }, async () => {
  const manifests = await storeMany('many@1');
  const purged = await purge({ model: 'many@1' });
  expect([purged.meshes.length, purged.complete]).toEqual([manifests.length, true]);
  expect((await env.STORE.list({ prefix: 'index/model/many@1/' })).objects).toEqual([]);
});

test('a purge of nothing says that nothing was removed', async () => {
  const id = meshId(await sha256(crypto.randomUUID()));
  expect(keyOfMeshId(id)).not.toBeNull();
  expect(await purge({ id })).toMatchObject({ complete: true, meshes: [], flights_ended: [], digests: [] });
});
