import { runInDurableObject } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { expect, test, vi } from 'vitest';
import { sha256 } from '../../contract/digest.ts';
import { carriedThumbnailBytesMax, type JobResult } from '../../contract/job.ts';
import type { MeshManifest } from '../../contract/mesh.ts';
import { openStores } from '../../edge/store/stores.ts';
import { Manifests } from '../../edge/store/manifests.ts';
import { manifestOf } from '../mesh-manifest.ts';
import { bisque } from '../origin-report.ts';
import { call, errorOf, mesh, picture, post } from './client.ts';
import {
  complete,
  edgeUrl,
  meshBytes,
  networkOfEachTest,
  originCall,
  putMesh,
  putResult,
  report,
  signatureHeaders,
  signedRequest,
  type SentJob,
} from './fake-origin.ts';
import { jobMsMax } from './making.ts';
import { testOrigins } from './secrets.ts';

const network = networkOfEachTest();

const glb = 'model/gltf-binary';

async function someBlob(text = crypto.randomUUID()) {
  const body = new TextEncoder().encode(text);
  const digest = await sha256(body);
  return { body, digest, path: `/origin/blobs/${digest}` };
}

function flipped(body: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return body.map((byte) => byte ^ 1);
}

function get(path: string): Promise<Response> {
  return exports.default.fetch(edgeUrl + path);
}

async function sentJob(image = picture(), count = 1): Promise<SentJob> {
  await post(image);
  return vi.waitFor(() => {
    const sent = network.jobs[count - 1];
    if (sent === undefined) throw new Error('no job yet');
    return sent;
  }, jobMsMax);
}

test('a signed blob is stored once, under either secret of a rotation', async () => {
  const { body, digest, path } = await someBlob();
  const first = await originCall('PUT', path, { body, contentType: glb });
  expect([first.status, await first.json()]).toEqual([200, { sha256: digest, stored: true }]);
  const again = await originCall('PUT', path, { body, contentType: glb, secret: testOrigins[0].secrets[1] });
  expect(await again.json()).toEqual({ sha256: digest, stored: false });
  const stored = await exports.default.fetch(`${edgeUrl}/assets/${digest}.glb`);
  expect(new Uint8Array(await stored.arrayBuffer())).toEqual(body);
});

test.each<[string, (headers: Headers) => void, number, string]>([
  ['unsigned', (headers) => headers.delete(signatureHeaders.signature), 401, 'invalid_signature'],
  ['signed for another body', (h) => h.set(signatureHeaders.bodySha256, '0'.repeat(64)), 401, 'invalid_signature'],
  ['signed by an unknown origin', (h) => h.set(signatureHeaders.origin, 'three'), 401, 'invalid_signature'],
  ["signed with another origin's secret", (h) => h.set(signatureHeaders.origin, 'two'), 401, 'invalid_signature'],
  ['of another length', (headers) => headers.set('content-length', '3'), 400, 'invalid_request'],
  ['over 95 MiB', (h) => h.set('content-length', String(95 * 1024 * 1024 + 1)), 413, 'body_too_large'],
  ['of a type that is no asset', (headers) => headers.set('content-type', 'text/html'), 415, 'unsupported_media_type'],
])('a blob %s is refused and not stored', async (_, change, status, code) => {
  const { body, digest, path } = await someBlob();
  expect(await errorOf(originCall('PUT', path, { body, contentType: glb, change }))).toMatchObject({ status, code });
  expect(await env.STORE.head(`blobs/${digest}`)).toBeNull();
});

test('a blob of undeclared length is refused and not stored', async () => {
  const { body, digest, path } = await someBlob();
  const { headers } = await signedRequest('PUT', path, { body, contentType: glb });
  headers.delete('content-length');
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const written = writer.write(body).then(
    () => writer.close(),
    () => undefined, // the refusal comes before the body is read
  );
  const answer = exports.default.fetch(edgeUrl + path, { method: 'PUT', headers, body: readable });
  expect(await errorOf(answer)).toMatchObject({ status: 411, code: 'length_required' });
  await readable.cancel().catch(() => undefined);
  await written;
  expect(await env.STORE.head(`blobs/${digest}`)).toBeNull();
});

test('a blob whose bytes are not those of its digest is refused and not stored', async () => {
  const { body, digest, path } = await someBlob();
  const forged = originCall('PUT', path, { body, contentType: glb, forged: flipped(body) });
  expect(await errorOf(forged)).toMatchObject({ status: 422, code: 'digest_mismatch' });
  const other = await someBlob();
  const misnamed = originCall('PUT', other.path, { body, contentType: glb });
  expect(await errorOf(misnamed)).toMatchObject({ status: 422, code: 'digest_mismatch' });
  for (const key of [digest, other.digest]) expect(await env.STORE.head(`blobs/${key}`)).toBeNull();
});

test('a recorded call cannot be replayed, nor an old one sent late', async () => {
  const { body, path } = await someBlob();
  const { headers } = await signedRequest('PUT', path, { body, contentType: glb });
  const send = () => exports.default.fetch(edgeUrl + path, { method: 'PUT', headers, body });
  expect((await send()).status).toBe(200);
  expect(await errorOf(send())).toMatchObject({ status: 401, code: 'invalid_signature' });
  const late = await signedRequest('PUT', (await someBlob()).path, { body, contentType: glb });
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 301_000 });
  expect(await errorOf(exports.default.fetch(late))).toMatchObject({ status: 401, code: 'invalid_signature' });
});

test('a signed call that came to nothing is not made good by a second one', async () => {
  const { body, digest, path } = await someBlob();
  const { headers } = await signedRequest('PUT', path, { body, contentType: glb });
  const send = (sent: Uint8Array<ArrayBuffer>) =>
    exports.default.fetch(edgeUrl + path, { method: 'PUT', headers, body: sent });
  expect(await errorOf(send(flipped(body)))).toMatchObject({ status: 422, code: 'digest_mismatch' });
  expect(await errorOf(send(body))).toMatchObject({ status: 401, code: 'invalid_signature' });
  expect(await env.STORE.head(`blobs/${digest}`)).toBeNull();
});

test('a result is taken only when its blobs are stored and it is of the job', async () => {
  const { job } = await sentJob();
  const manifest = await manifestOf(job, meshBytes(job));
  const result: JobResult = { outcome: 'completed', fence: job.fence, manifest };
  expect(await errorOf(putResult(job.key, result))).toMatchObject({ status: 412, code: 'precondition_failed' });
  await putMesh(job);
  for (const change of [{ model: 'other@1' }, { modelDigest: '9'.repeat(64) }, { imageSha256: '9'.repeat(64) }]) {
    const other: JobResult = { ...result, manifest: { ...manifest, ...change } };
    expect(await errorOf(putResult(job.key, other))).toMatchObject({ status: 400, code: 'invalid_request' });
  }
  const sized: JobResult = { ...result, manifest: { ...manifest, asset: { ...manifest.asset, bytes: 1 } } };
  expect(await errorOf(putResult(job.key, sized))).toMatchObject({ status: 412 });
  expect(await env.STORE.head(`meshes/${job.key}.json`)).toBeNull();
  expect((await putResult(job.key, result)).status).toBe(200);
  expect(await env.STORE.head(`meshes/${job.key}.json`)).not.toBeNull();
});

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

/** A result that carries its thumbnail, as an origin sends it; `changes` are to the thumbnail as the manifest names it. */
async function carrying({ job }: SentJob, changes: Partial<MeshManifest['thumbnail']> = {}) {
  await putMesh(job);
  const { body, digest } = await someBlob();
  const thumbnail = { sha256: digest, bytes: body.byteLength, mediaType: 'image/webp', extension: 'webp' as const };
  const manifest = await manifestOf(job, meshBytes(job), { thumbnail: { ...thumbnail, ...changes } });
  const result = { outcome: 'completed', fence: job.fence, manifest, thumbnail: base64(body) } as const;
  return { body, digest, result };
}

test('a small thumbnail comes with its result, and is served as it came', async () => {
  const sent = await sentJob();
  const { body, digest, result } = await carrying(sent);
  expect((await putResult(sent.job.key, result)).status).toBe(200);
  const made = await mesh(call(`/v1/meshes/mesh_${sent.job.key}`));
  expect(made.thumbnail_url).toBe(`${edgeUrl}/assets/${digest}.webp`);
  const served = await get(`/assets/${digest}.webp`);
  expect([served.headers.get('content-type'), new Uint8Array(await served.arrayBuffer())]).toEqual([
    'image/webp',
    body,
  ]);
  expect((await putResult(sent.job.key, result)).status).toBe(200);
});

test.each<[string, Parameters<typeof carrying>[1], number, string, string | null]>([
  ['has another digest than it is named by', { sha256: 'f'.repeat(64) }, 422, 'digest_mismatch', null],
  ['is longer than is said', { bytes: 1 }, 400, 'invalid_parameter', 'thumbnail'],
  [
    'is of a type that is no asset',
    { mediaType: 'text/html' },
    400,
    'invalid_parameter',
    'manifest.thumbnail.mediaType',
  ],
])('a result whose thumbnail %s is refused', async (_, changes, status, code, param) => {
  const sent = await sentJob();
  const { digest, result } = await carrying(sent, changes);
  expect(await errorOf(putResult(sent.job.key, result))).toMatchObject({ status, code, param });
  expect(await env.STORE.head(`meshes/${sent.job.key}.json`)).toBeNull();
  if (status !== 412) expect(await env.STORE.head(`blobs/${digest}`)).toBeNull();
});

test('a thumbnail is refused that its manifest does not name, that is no base64 or is too long to be carried', async () => {
  const sent = await sentJob();
  const { result } = await carrying(sent);
  const unnamed = { ...result, manifest: { ...result.manifest, thumbnail: null } };
  const refused = { status: 400, code: 'invalid_parameter', param: 'thumbnail' };
  expect(await errorOf(putResult(sent.job.key, unnamed))).toMatchObject(refused);
  for (const thumbnail of ['not base64!', '', base64(new Uint8Array(carriedThumbnailBytesMax + 3))]) {
    expect(await errorOf(putResult(sent.job.key, { ...result, thumbnail }))).toMatchObject(refused);
  }
});

test('a result whose thumbnail is stored as something else is refused', async () => {
  const sent = await sentJob();
  const { body, digest, result } = await carrying(sent);
  await env.STORE.put(`blobs/${digest}`, body, { httpMetadata: { contentType: 'image/png' } });
  const refused = { status: 412, code: 'precondition_failed' };
  expect(await errorOf(putResult(sent.job.key, result))).toMatchObject(refused);
  expect(await mesh(call(`/v1/meshes/mesh_${sent.job.key}`))).toMatchObject({ status: 'queued' });
});

test('a thumbnail that was taken down is not stored, and ends its flight', async () => {
  const sent = await sentJob();
  const { digest, result } = await carrying(sent);
  await openStores(env).takedowns.add({ sha256: digest, reason: 'not theirs', atSeconds: 1 });
  expect(await errorOf(putResult(sent.job.key, result))).toMatchObject({ code: 'taken_down' });
  expect(await env.STORE.head(`blobs/${digest}`)).toBeNull();
  expect(await mesh(call(`/v1/meshes/mesh_${sent.job.key}`))).toMatchObject({ status: 'failed' });
});

test('a mesh whose bytes go while it is being stored does not stay, and is made again', async () => {
  const image = picture();
  const sent = await sentJob(image);
  const { replace } = Manifests.prototype;
  vi.spyOn(Manifests.prototype, 'replace').mockImplementationOnce(async function (this: Manifests, ...stored) {
    await env.STORE.delete(`blobs/${stored[0].asset.sha256}`);
    return replace.apply(this, stored);
  });
  expect(await errorOf(complete(sent))).toMatchObject({ status: 412, code: 'precondition_failed' });
  expect(await env.STORE.head(`meshes/${sent.job.key}.json`)).toBeNull();
  expect((await complete(await sentJob(image, 2))).status).toBe(200);
  expect(await mesh(call(`/v1/meshes/mesh_${sent.job.key}`))).toMatchObject({ status: 'completed' });
});

test('a repeated result is a 200 that changes nothing, one for no job a 410', async () => {
  const sent = await sentJob();
  const answer = { status: 200 };
  expect(await complete(sent)).toMatchObject(answer);
  expect(await complete(sent, { provider: 'cuda' })).toMatchObject(answer);
  expect(await mesh(call(`/v1/meshes/mesh_${sent.job.key}`))).toMatchObject({ provider: 'cpu' });
  const unknown = { ...sent.job, key: '8'.repeat(64) };
  expect(await errorOf(complete({ ...sent, job: unknown }))).toMatchObject({ status: 410, code: 'mesh_withdrawn' });
  expect(await env.STORE.head(`meshes/${unknown.key}.json`)).toBeNull();
});

test('JSON that was altered, is too long or has the wrong shape is refused with its field', async () => {
  const path = `/origin/progress/${'7'.repeat(64)}`;
  const body = JSON.stringify({ fence: 1, stage: 'infer', progress: 0.5 });
  const forged = originCall('POST', path, { body, forged: body.replace('0.5', '0.6') });
  expect(await errorOf(forged)).toMatchObject({ status: 422, code: 'digest_mismatch' });
  const long = originCall('POST', path, { body: ' '.repeat(256 * 1024 + 1) });
  expect(await errorOf(long)).toMatchObject({ status: 413, code: 'body_too_large' });
  const odd = originCall('POST', path, { body: body.replace('infer', 'guess') });
  expect(await errorOf(odd)).toMatchObject({ status: 400, code: 'invalid_parameter', param: 'stage' });
  expect(await errorOf(originCall('POST', path, { body: '{' }))).toMatchObject({ code: 'invalid_request' });
  expect(await errorOf(originCall('POST', path, { body }))).toMatchObject({ status: 410 });
  expect(await errorOf(originCall('POST', '/origin/progress/abc', { body }))).toMatchObject({ status: 404 });
});

const notLeased = { status: 403, code: 'not_leased' };

test('an origin that was never given a job can neither finish nor fail it, with whatever fence', async () => {
  const sent = await sentJob();
  const { key, fence } = sent.job;
  expect(await errorOf(complete({ ...sent, originId: 'two' }))).toMatchObject(notLeased);
  const failure = { code: 'unprocessable_image', message: 'No.' } as const;
  expect(await errorOf(putResult(key, { outcome: 'failed', fence, failure }, 'two'))).toMatchObject(notLeased);
  for (const other of [0, fence - 1, fence + 1]) {
    expect(await errorOf(putResult(key, { outcome: 'failed', fence: other, failure }))).toMatchObject(notLeased);
  }
  expect(await env.STORE.head(`meshes/${key}.json`)).toBeNull();
  expect(await mesh(call(`/v1/meshes/mesh_${key}`))).toMatchObject({ status: 'queued' });
  expect((await complete(sent)).status).toBe(200);
});

test('a flight from before leases were kept is ended by the origin that has its job, and by no other', async () => {
  const sent = await sentJob();
  await runInDurableObject(env.FLIGHT.getByName(sent.job.key), (_, { storage }) => {
    const { leases, ...before } = storage.kv.get<{ leases: unknown }>('flight') ?? { leases: null };
    expect(leases).toHaveLength(1);
    storage.kv.put('flight', before);
  });
  expect(await errorOf(complete({ ...sent, originId: 'two' }))).toMatchObject(notLeased);
  expect((await complete(sent)).status).toBe(200);
});

test('an origin that was never given a job cannot tell how far it is', async () => {
  const { job } = await sentJob();
  const path = `/origin/progress/${job.key}`;
  const body = JSON.stringify({ fence: job.fence, stage: 'infer', progress: 0.9 });
  expect(await errorOf(originCall('POST', path, { body, originId: 'two' }))).toMatchObject(notLeased);
  expect(await mesh(call(`/v1/meshes/mesh_${job.key}`))).toMatchObject({ status: 'queued' });
  expect((await originCall('POST', path, { body })).status).toBe(200);
});

test('a result that claims more time than there was is refused, and nobody is charged', async () => {
  const sent = await sentJob();
  for (const gpuMs of [1e300, 3_600_000]) {
    const refused = { status: 400, code: 'invalid_parameter', param: 'manifest.gpuMs' };
    expect(await errorOf(complete(sent, { gpuMs }))).toMatchObject(refused);
  }
  const { timingsMs } = await manifestOf(sent.job, meshBytes(sent.job));
  const slow = complete(sent, { timingsMs: { ...timingsMs, infer: 1e300 } });
  expect(await errorOf(slow)).toMatchObject({ status: 400, param: 'manifest.timingsMs.infer' });
  expect((await complete(sent)).status).toBe(200);
});

test('a surface is kept once under its geometry key and given back', async () => {
  const { body, digest } = await someBlob();
  const geometryKey = await sha256(crypto.randomUUID());
  const path = `/origin/geometry/${geometryKey}`;
  await complete(await sentJob(), { geometryKey });
  expect(await errorOf(originCall('GET', path))).toMatchObject({ status: 404, code: 'not_found' });
  const kept = await originCall('PUT', path, { body });
  expect(await kept.json()).toEqual({ stored: true });
  const other = await someBlob();
  expect(await (await originCall('PUT', path, { body: other.body })).json()).toEqual({ stored: false });
  const found = await originCall('GET', path, { originId: 'two' });
  expect(found.headers.get('etag')).toBe(`"${digest}"`);
  expect(new Uint8Array(await found.arrayBuffer())).toEqual(body);
  expect((await get(path)).status).toBe(401);
  await env.STORE.delete(`geometry/${geometryKey}`);
  const forged = originCall('PUT', path, { body, forged: flipped(body) });
  expect(await errorOf(forged)).toMatchObject({ status: 422, code: 'digest_mismatch' });
  expect(await env.STORE.head(`geometry/${geometryKey}`)).toBeNull();
});

test('a surface that no mesh names is neither kept nor given', async () => {
  const geometryKey = await sha256(crypto.randomUUID());
  const path = `/origin/geometry/${geometryKey}`;
  const { body } = await someBlob();
  expect(await (await originCall('PUT', path, { body })).json()).toEqual({ stored: false });
  expect(await env.STORE.head(`geometry/${geometryKey}`)).toBeNull();
  await env.STORE.put(`geometry/${geometryKey}`, body);
  expect(await errorOf(originCall('GET', path))).toMatchObject({ status: 404, code: 'not_found' });
});

test('an origin may report from its configured address alone', async () => {
  const elsewhere = report('one', { url: 'https://two.example' });
  expect(await errorOf(elsewhere)).toMatchObject({ status: 400, code: 'invalid_parameter', param: 'url' });
  expect((await report('one', { url: 'https://one.example/' })).status).toBe(200);
});

test('the models are those that origins report, found by id, by name and by default', async () => {
  const newer = { ...bisque, id: 'bisque@1.10', digest: 'a'.repeat(64) };
  const older = { ...bisque, id: 'bisque@1.9', digest: 'b'.repeat(64) };
  await report('two', { models: [newer, older] });
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 31_000 }); // past what the isolate remembers
  await report('one');
  const list = await (await call('/v1/models')).json<{ object: string; data: { id: string }[] }>();
  expect(list.object).toBe('list');
  expect(list.data.map(({ id }) => id)).toEqual(['bisque@1', 'bisque@1.10', 'bisque@1.9', 'matte@1', 'seeded@2']);
  for (const name of ['default', 'bisque', 'bisque@1.10']) {
    const model = await (await call(`/v1/models/${name}`)).json();
    expect(model).toMatchObject({ id: 'bisque@1.10', object: 'model', owned_by: 'meshkiln', family: bisque.family });
  }
  expect(await errorOf(call('/v1/models/none'))).toMatchObject({ status: 404, code: 'model_not_found' });
});

test('readiness follows the reports, health does not', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 600_000 });
  expect((await get('/healthz')).status).toBe(200);
  const silent = await get('/readyz');
  expect(silent.headers.get('retry-after')).toBe('5');
  expect(await errorOf(silent)).toMatchObject({ status: 503, code: 'no_origin' });
  await report('one', { state: 'draining' });
  vi.setSystemTime(Date.now() + 3000);
  expect((await get('/readyz')).status).toBe(503);
  await report();
  vi.setSystemTime(Date.now() + 3000);
  expect((await get('/readyz')).status).toBe(200);
});
