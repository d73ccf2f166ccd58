import { env } from 'cloudflare:workers';
import { expect, test, vi } from 'vitest';
import { sha256 } from '../../contract/digest.ts';
import { keyOfMeshId } from '../../contract/key.ts';
import { MeshObject } from '../../contract/mesh.ts';
import { call, errorOf, mesh, picture, post, postJson, dataUrl } from './client.ts';
import { complete, meshBytes, networkOfEachTest, originCall, putResult } from './fake-origin.ts';
import { make as makeIn, theJob as sentJob } from './making.ts';
import { openStores } from '../../edge/store/stores.ts';
import { testKeys } from './secrets.ts';

const network = networkOfEachTest();

const waiting = { headers: { prefer: 'wait=30' } };

const theJob = () => sentJob(network);
const make = (image: Uint8Array<ArrayBuffer>, fields: Record<string, string> = {}) =>
  makeIn(network, image, { fields });

test('a miss is queued, sent to the origin with its picture, and completed by the write-back', async () => {
  const image = picture();
  const answer = await post(image, { fields: { metadata: '{"order":"7"}' } });
  expect(answer.status).toBe(202);
  expect(answer.headers.get('cache-status')).toBe('meshkiln; fwd=miss');
  expect(answer.headers.get('retry-after')).toBe('1');
  const queued = MeshObject.parse(await answer.json());
  expect(queued).toMatchObject({ status: 'queued', model: 'bisque@1', asset: null, metadata: { order: '7' } });
  expect(answer.headers.get('location')).toBe(`/v1/meshes/${queued.id}`);

  const sent = await theJob();
  expect(sent.image).toEqual(image);
  expect(sent.job).toMatchObject({ key: keyOfMeshId(queued.id), tenant: 'acme', expiresInSeconds: null });
  const told = await mesh(call(`/v1/meshes/${queued.id}`));
  expect(told).toMatchObject({ status: 'queued', metadata: { order: '7' } });
  const others = await mesh(call(`/v1/meshes/${queued.id}`, { key: testKeys.globex }));
  expect(others.metadata).toEqual({});
  expect(await errorOf(call(`/v1/meshes/${queued.id}/content`))).toMatchObject({ status: 404, code: 'mesh_not_ready' });

  expect((await complete(sent)).status).toBe(200);
  const done = MeshObject.parse(await mesh(call(`/v1/meshes/${queued.id}`)));
  expect(done).toMatchObject({
    id: queued.id,
    status: 'completed',
    progress: 1,
    stage: null,
    provider: 'cpu',
    cache: { status: 'hit' },
  });
  expect(done.asset?.url).toBe(`https://edge.example/assets/${done.asset?.sha256}.glb`);
  const content = await call(`/v1/meshes/${queued.id}/content`);
  expect(content.headers.get('etag')).toBe(`"${done.asset?.sha256}"`);
  expect(new Uint8Array(await content.arrayBuffer())).toEqual(meshBytes(sent.job));
  expect(await errorOf(call(`/v1/meshes/${queued.id}/thumbnail`))).toMatchObject({ status: 404, code: 'not_found' });
});

test('50 identical misses at once reach the origin once and get equal answers', async () => {
  const image = picture();
  const answers = Array.from({ length: 50 }, (_, n) =>
    post(image, { ...waiting, key: n % 2 === 0 ? testKeys.acme : testKeys.globex }),
  );
  const sent = await theJob();
  // Lets most of them join before the mesh is there.
  await vi.waitFor(async () => expect((await call(`/v1/meshes/mesh_${sent.job.key}`)).status).toBe(200));
  await complete(sent);
  const responses = await Promise.all(answers);
  expect(responses.map(({ status }) => status)).toEqual(Array(50).fill(200));
  const meshes = await Promise.all(responses.map((response) => mesh(response)));
  expect(new Set(meshes.map((made) => JSON.stringify({ ...made, cache: null }))).size).toBe(1);
  expect(meshes.filter(({ cache }) => cache.status === 'miss')).toHaveLength(1);
  const headers = responses.map((response) => response.headers.get('cache-status'));
  expect(headers).toContain('meshkiln; fwd=miss; stored');
  expect(headers).toContain('meshkiln; fwd=miss; collapsed');
  expect(network.jobs).toHaveLength(1);
});

test('a repeated request is a hit that says what it saved', async () => {
  const image = picture();
  const first = await make(image);
  expect(first).toMatchObject({ status: 'completed', cache: { status: 'miss', tier: null, saved_gpu_ms: 0 } });
  const answer = await post(image);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('cache-status')).toBe('meshkiln; hit; detail=memory');
  const again = await mesh(answer);
  expect(again).toMatchObject({ id: first.id, asset: first.asset, cache: { status: 'hit', saved_gpu_ms: 4 } });
  expect(await mesh(postJson({ image: dataUrl(image) }))).toMatchObject({ id: first.id, cache: { status: 'hit' } });
  expect(network.jobs).toHaveLength(0);
});

test('a hit comes from R2 when KV has lost everything', async () => {
  const image = picture();
  await make(image);
  for (const { name } of (await env.MANIFESTS.list()).keys) await env.MANIFESTS.delete(name);
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 40_000 }); // memory forgets after 30 s
  const again = await mesh(post(image));
  expect(again.cache).toMatchObject({ status: 'hit', tier: 'r2' });
  expect(network.jobs).toHaveLength(0);
});

test('a field that changes the bytes gives another id, one that does not gives the same', async () => {
  const image = picture();
  const idOf = async (fields: Record<string, string>, headers: Record<string, string> = {}) =>
    (await mesh(post(image, { fields, headers }))).id;
  const plain = await idOf({});
  const changing: Record<string, string>[] = [
    { output_format: 'stl' },
    { remove_background: 'true' },
    { foreground_ratio: '0.8' },
    { texture: 'false' },
    { texture_resolution: '512' },
    { target_face_count: '5000' },
    { compression: 'meshopt' },
    { largest_dimension_mm: '60' },
    { model: 'seeded' },
    { model: 'seeded', seed: '7' },
    { model: 'seeded', mc_resolution: '64' },
  ];
  const ids = await Promise.all(changing.map((fields) => idOf(fields)));
  expect(new Set([plain, ...ids]).size).toBe(changing.length + 1);
  expect(await idOf({ model: 'bisque@1', metadata: '{"a":"b"}', priority: 'batch' })).toBe(plain);
  expect(await idOf({ seed: '9', mc_resolution: '64', cache_mode: 'default', cache_scope: 'shared' })).toBe(plain);
  expect(await idOf({}, { prefer: 'wait=0' })).toBe(plain);
  expect(await idOf({ model: 'seeded', mc_resolution: '128', seed: '0' })).toBe(ids[8]);
});

test('no_store and a random seed never find an earlier result, and theirs expires after an hour', async () => {
  const image = picture();
  const first = await make(image, { cache_mode: 'no_store' });
  expect(first.expires_at).toBe((first.completed_at ?? 0) + 3600);
  const second = await make(image, { model: 'seeded', seed: 'null' });
  const third = await make(image, { model: 'seeded', seed: 'null' });
  expect(new Set([first.id, second.id, third.id]).size).toBe(3);
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3601_000 });
  expect(await errorOf(call(`/v1/meshes/${first.id}`))).toMatchObject({ code: 'mesh_not_found' });
});

test('only_if_cached answers a hit, or 504 that is not to be retried', async () => {
  const image = picture();
  const missed = await post(image, { fields: { cache_mode: 'only_if_cached' } });
  expect(missed.headers.get('x-should-retry')).toBe('false');
  expect(missed.headers.get('cache-status')).toBe('meshkiln; detail=not_cached');
  expect(await errorOf(missed)).toMatchObject({ status: 504, code: 'not_cached' });
  expect(network.jobs).toHaveLength(0);
  await make(image);
  expect((await post(image, { fields: { cache_mode: 'only_if_cached' } })).status).toBe(200);
});

test('a wait that runs out answers 202 and says how long it waited', async () => {
  const answer = await post(picture(), { headers: { prefer: 'wait=1' } });
  expect(answer.status).toBe(202);
  expect(answer.headers.get('preference-applied')).toBe('wait=1');
  expect(network.jobs).toHaveLength(1);
});

test('Accept naming the format gets the bytes; naming another is 406 before anything is stored', async () => {
  const image = picture();
  const answer = post(image, { headers: { accept: 'model/gltf-binary' } });
  const sent = await theJob();
  await complete(sent);
  const response = await answer;
  expect(response.headers.get('content-type')).toBe('model/gltf-binary');
  expect(response.headers.get('cache-status')).toBe('meshkiln; fwd=miss; stored');
  expect(new Uint8Array(await response.arrayBuffer())).toEqual(meshBytes(sent.job));
  const wrong = await errorOf(post(picture(), { headers: { accept: 'model/stl' } }));
  expect(wrong).toMatchObject({ status: 406, code: 'not_acceptable' });
  expect(network.jobs).toHaveLength(1);
});

test('progress is shown, and wakes nobody who waits for the end', async () => {
  const answer = post(picture(), waiting);
  const sent = await theJob();
  const tell = (body: unknown) =>
    originCall('POST', `/origin/progress/${sent.job.key}`, { body: JSON.stringify(body) });
  expect((await tell({ fence: sent.job.fence, stage: 'infer', progress: 0.5 })).status).toBe(200);
  const path = `/v1/meshes/mesh_${sent.job.key}`;
  expect(await mesh(call(path))).toMatchObject({ status: 'in_progress', stage: 'infer', progress: 0.5 });
  await tell({ fence: sent.job.fence - 1, stage: 'encode', progress: 0.9 });
  expect(await mesh(call(path))).toMatchObject({ progress: 0.5 });
  await complete(sent);
  expect(await mesh(answer)).toMatchObject({ status: 'completed' });
  expect((await tell({ fence: sent.job.fence, stage: 'encode', progress: 1 })).status).toBe(410);
});

test("a picture's own failure answers all waiters and is remembered for minutes", async () => {
  const image = picture();
  const answers = [post(image, waiting), post(image, waiting), post(image, waiting)];
  const { job } = await theJob();
  const failure = { code: 'unprocessable_image', message: 'Nothing stands out.' } as const;
  expect((await putResult(job.key, { outcome: 'failed', fence: job.fence, failure })).status).toBe(200);
  for (const answer of answers) {
    expect(await errorOf(answer)).toMatchObject({ status: 422, code: 'unprocessable_image', param: 'image' });
  }
  const again = await post(image);
  expect(again.headers.get('cache-status')).toBe('meshkiln; hit; detail=failure');
  expect(await errorOf(again)).toMatchObject({ status: 422, message: 'Nothing stands out.' });
  const told = await mesh(call(`/v1/meshes/mesh_${job.key}`));
  expect(told).toMatchObject({ status: 'failed', error: failure });
  expect(network.jobs).toHaveLength(1);
});

test("an origin's own failure answers all waiters and is forgotten by the next request", async () => {
  const image = picture();
  const answers = [post(image, waiting), post(image, waiting)];
  const { job } = await theJob();
  const failure = { code: 'internal_error', message: 'The GPU process died twice.' } as const;
  await putResult(job.key, { outcome: 'failed', fence: job.fence, failure });
  for (const answer of answers) {
    const response = await answer;
    expect(response.status).toBe(200);
    expect(await mesh(response)).toMatchObject({ status: 'failed', error: failure });
  }
  network.jobs.length = 0;
  expect(await make(image)).toMatchObject({ status: 'completed' });
});

test('a job goes on while one tenant wants it, and is cancelled with the last', async () => {
  const image = picture();
  const answer = post(image, waiting);
  const sent = await theJob();
  const path = `/v1/meshes/mesh_${sent.job.key}`;
  await post(image, { key: testKeys.globex });
  expect(await mesh(call(`${path}/cancel`, { method: 'POST' }))).toMatchObject({ status: 'queued' });
  expect(await mesh(call(`${path}/cancel`, { method: 'POST' }))).toMatchObject({ status: 'queued' });
  expect(network.cancelled).toEqual([]);
  const last = call(`${path}/cancel`, { method: 'POST', key: testKeys.globex });
  expect(await mesh(last)).toMatchObject({ status: 'cancelled' });
  expect(await mesh(answer)).toMatchObject({ status: 'cancelled' });
  await vi.waitFor(() => expect(network.cancelled).toEqual([sent.job.key]));
  expect(await errorOf(complete(sent))).toMatchObject({ status: 410, code: 'mesh_withdrawn' });
  expect(await mesh(call(path))).toMatchObject({ status: 'cancelled' });
  network.jobs.length = 0;
  expect(await make(image)).toMatchObject({ status: 'completed' });
  expect(await mesh(call(`${path}/cancel`, { method: 'POST' }))).toMatchObject({ status: 'completed' });
});

test('asking for an unknown mesh is 404 and creates nothing', async () => {
  const unknown = `/v1/meshes/mesh_${'0'.repeat(64)}`;
  for (const path of [unknown, `${unknown}/content`, `${unknown}/thumbnail`, '/v1/meshes/mesh_12']) {
    expect(await errorOf(call(path))).toMatchObject({ status: 404, code: 'mesh_not_found' });
  }
  expect(await errorOf(call(`${unknown}/cancel`, { method: 'POST' }))).toMatchObject({ code: 'mesh_not_found' });
});

test('a mesh whose bytes turn out damaged as they are downloaded by its id is made again', async () => {
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const image = picture();
  const made = await make(image);
  const httpMetadata = { contentType: 'model/gltf-binary' };
  await env.STORE.put(`blobs/${made.asset?.sha256}`, 'x'.repeat(made.asset?.bytes ?? 0), { httpMetadata });
  expect(await errorOf(call(`/v1/meshes/${made.id}/content`))).toMatchObject({ status: 500, code: 'internal_error' });
  await vi.waitFor(async () => expect((await post(image)).status).toBe(202));
});

test('a picture that was taken down is refused before anything is stored or made', async () => {
  const image = picture();
  const digest = await sha256(image);
  await openStores(env).takedowns.add({ sha256: digest, reason: '', atSeconds: 0 });
  expect(await errorOf(post(image))).toMatchObject({ status: 410, code: 'taken_down' });
  expect(await env.STORE.head(`inputs/${digest}`)).toBeNull();
  expect(network.jobs).toHaveLength(0);
});
