import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { sign } from '../../../contract/signature.ts';
import { startEdgePeer, type EdgePeer } from '../support/edge-peer.ts';
import { writeModel, heavyInflation } from '../support/models.ts';
import { known, startOriginProcess, type OriginProcess } from '../support/origin-process.ts';
import { disc, jobFor, jobHeaders, sendJob, signedPost } from '../support/send-job.ts';

const previousSecret = 'the secret before the rotation';
const waiting = { timeout: 20_000, interval: 10 };

let folder = '';
let edge: EdgePeer;
let origin: OriginProcess;
let model: { id: string; digest: string };
let image: Buffer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'origin-'));
  model = await writeModel(join(folder, 'models'), { depth: heavyInflation(20) }, { batch: { maximum: 1 } });
  edge = await startEdgePeer(known);
  edge.keepsGeometry = false;
  origin = await startOriginProcess({
    EDGE_URL: edge.url,
    ORIGIN_STATE: join(folder, 'state'),
    MODELS_DIR: join(folder, 'models'),
    ORIGIN_SECRET_PREVIOUS: previousSecret,
    JOBS_ACTIVE_MAX: '2',
    GEOMETRY_CACHE_BYTES_MAX: '0',
  });
  await origin.until('ready');
  image = await disc();
});
afterAll(async () => {
  expect(await origin.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  await edge.close();
  await rm(folder, { recursive: true });
});

const job = (change: Parameters<typeof jobFor>[1] = {}) => jobFor(image, { model, ...change });
const finished = (key: string) => vi.waitFor(() => expect(edge.result(key)).not.toBeNull(), waiting);

async function problemOf(response: Response) {
  const body = (await response.json()) as { error: { code: string; message: string; param: string | null } };
  return { status: response.status, code: body.error.code, message: body.error.message, param: body.error.param };
}

test('a signed job is accepted, made and written back with its blobs before its result', async () => {
  const sent = job({ fence: 7 });
  const answer = await sendJob(origin.url, sent, image);
  expect(answer.status).toBe(202);
  expect(await answer.json()).toEqual({ accepted: true, position: 0 });
  await finished(sent.key);
  const result = edge.result(sent.key);
  if (result?.outcome !== 'completed') throw new Error('the job did not complete');
  expect(result).toMatchObject({
    fence: 7,
    manifest: { key: sent.key, model: 'small@1', provider: 'cpu', degraded: false },
  });
  const { asset, thumbnail } = result.manifest;
  for (const blob of [asset, thumbnail]) {
    if (blob === null) throw new Error('there is no thumbnail');
    expect(edge.blobs.get(blob.sha256)?.length).toBe(blob.bytes);
  }
  const paths = edge.calls.map(({ path }) => path);
  const assetPath = `/origin/blobs/${asset.sha256}`;
  expect(paths).toContain(assetPath);
  expect(paths.indexOf(assetPath)).toBeLessThan(paths.indexOf(`/origin/results/${sent.key}`));
  const sentAsset = edge.calls.find(({ path }) => path === assetPath);
  expect(sentAsset?.mediaType).toBe('model/gltf-binary');
  expect(edge.progress.filter(({ fence }) => fence === 7).length).toBeGreaterThan(0);
});

test('the mesh file of a private result is written back under its key, the thumbnail with the result', async () => {
  const sent = job({ scope: 'tenant-a' });
  await sendJob(origin.url, sent, image);
  await finished(sent.key);
  const blobs = edge.calls.filter(({ path }) => path.startsWith('/origin/blobs/') && path.endsWith(`?key=${sent.key}`));
  expect(blobs.map(({ mediaType }) => mediaType)).toEqual(['model/gltf-binary']);
  expect(edge.result(sent.key)).toMatchObject({ outcome: 'completed', thumbnail: expect.any(String) as string });
});

test('a result that lives for a time says until when', async () => {
  const sent = job({ expiresInSeconds: 3600 });
  await sendJob(origin.url, sent, image);
  await finished(sent.key);
  const result = edge.result(sent.key);
  if (result?.outcome !== 'completed') throw new Error('the job did not complete');
  expect(result.manifest.expiresAtSeconds).toBe(result.manifest.completedAtSeconds + 3600);
});

test('an image that is none fails with its own code, and no blob is written', async () => {
  const text = new TextEncoder().encode('this is not a picture');
  const sent = jobFor(text, { model });
  expect((await sendJob(origin.url, sent, text)).status).toBe(202);
  await finished(sent.key);
  expect(edge.result(sent.key)).toMatchObject({ outcome: 'failed', failure: { code: 'invalid_image' } });
});

test('an unsigned call is refused', async () => {
  const sent = job();
  expect(await problemOf(await sendJob(origin.url, sent, image, {}))).toMatchObject({
    status: 401,
    code: 'invalid_signature',
  });
});

test('a call with another secret, or for another origin, is refused', async () => {
  const sent = job();
  const strange = await jobHeaders(sent, 'quite another secret');
  const elsewhere = await sign(
    {
      method: 'POST',
      path: '/jobs',
      bodySha256: sent.imageSha256,
      bodyBytes: sent.imageBytes,
      job: JSON.stringify(sent),
    },
    { originId: 'another-origin', secret: known.secret },
  );
  for (const headers of [strange, elsewhere]) {
    expect((await sendJob(origin.url, sent, image, headers)).status).toBe(401);
  }
});

test('a changed job header breaks the signature', async () => {
  const sent = job();
  const headers = { ...(await jobHeaders(sent)), 'meshkiln-job': JSON.stringify({ ...sent, tenant: 'tenant-b' }) };
  expect((await sendJob(origin.url, sent, image, headers)).status).toBe(401);
});

test('during a rotation the secret before is valid too', async () => {
  const sent = job();
  expect((await sendJob(origin.url, sent, image, await jobHeaders(sent, previousSecret))).status).toBe(202);
});

test('the same signed call is taken once', async () => {
  const sent = job();
  const headers = await jobHeaders(sent);
  expect((await sendJob(origin.url, sent, image, headers)).status).toBe(202);
  expect(await problemOf(await sendJob(origin.url, sent, image, headers))).toMatchObject({
    status: 401,
    code: 'invalid_signature',
    message: 'This signed call was seen before.',
  });
});

test('a body that is not the signed one is refused, and no job comes of it', async () => {
  const other = Buffer.from(image);
  other[other.length - 1] = (other.at(-1) ?? 0) ^ 1;
  for (const body of [other, image.subarray(1), Buffer.concat([image, image])]) {
    const sent = job();
    expect(await problemOf(await sendJob(origin.url, sent, body))).toMatchObject({
      status: 422,
      code: 'digest_mismatch',
    });
    expect(await (await signedPost(origin.url, `/jobs/${sent.key}/cancel?fence=${sent.fence}`)).json()).toEqual({
      cancelled: false,
    });
  }
});

test('a job that names another image than the signed body is refused', async () => {
  const sent = job();
  const call = { method: 'POST', path: '/jobs', bodySha256: sent.imageSha256, bodyBytes: sent.imageBytes };
  const headers = await sign({ ...call, job: JSON.stringify({ ...sent, imageSha256: '0'.repeat(64) }) }, known);
  expect(await problemOf(await sendJob(origin.url, sent, image, headers))).toMatchObject({
    status: 422,
    code: 'digest_mismatch',
  });
});

test('an image over 20 MiB is refused before its body is read', async () => {
  const sent = job({ imageBytes: 20 * 1024 * 1024 + 1 });
  // The body never follows: the answer comes from the signed length alone.
  expect(await problemOf(await sendJob(origin.url, sent, new Uint8Array(0)))).toMatchObject({
    status: 413,
    code: 'body_too_large',
  });
});

test('a model that is not served, or whose manifest is another, is a 404', async () => {
  for (const other of [
    { id: 'missing@1', digest: model.digest },
    { id: model.id, digest: '0'.repeat(64) },
  ]) {
    const sent = job({ model: other });
    expect(await problemOf(await sendJob(origin.url, sent, image))).toMatchObject({
      status: 404,
      code: 'model_not_found',
    });
  }
});

test('a job header that breaks the contract is refused with the field', async () => {
  const sent = job();
  const call = { method: 'POST', path: '/jobs', bodySha256: sent.imageSha256, bodyBytes: sent.imageBytes };
  const post = async (text: string) => {
    const headers = await sign({ ...call, job: text }, known);
    return problemOf(await sendJob(origin.url, sent, image, headers));
  };
  expect(await post('{')).toMatchObject({ status: 400, code: 'invalid_request' });
  const wrong = { ...sent, params: { ...sent.params, output_format: 'fbx' } };
  expect(await post(JSON.stringify(wrong))).toMatchObject({ status: 400, param: 'params.output_format' });
});

test('a key that is sent again makes one job, and its result carries the newest fence', async () => {
  const before = edge.calls.length;
  const first = job({ fence: 1 });
  const answers = await Promise.all([
    sendJob(origin.url, first, image),
    sendJob(origin.url, { ...first, fence: 2 }, image),
    sendJob(origin.url, { ...first, fence: 3 }, image),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
  await finished(first.key);
  const results = edge.calls.slice(before).filter(({ path }) => path === `/origin/results/${first.key}`);
  expect(results).toHaveLength(1);
  expect(edge.result(first.key)?.fence).toBe(3);
});

test('a cancelled job stops, writes nothing back, and may be sent again', async () => {
  const jobs = Array.from({ length: 4 }, () => job());
  for (const sent of jobs) expect((await sendJob(origin.url, sent, image)).status).toBe(202);
  for (const sent of jobs) {
    expect(await (await signedPost(origin.url, `/jobs/${sent.key}/cancel?fence=${sent.fence}`)).json()).toEqual({
      cancelled: true,
    });
  }
  const [again] = jobs;
  if (again === undefined) throw new Error('no job');
  expect((await sendJob(origin.url, { ...again, fence: 2 }, image)).status).toBe(202);
  await finished(again.key);
  expect(jobs.map(({ key }) => edge.results.get(key)?.length ?? 0)).toEqual([1, 0, 0, 0]);
});

test('a cancel that a newer dispatch of the job has overtaken leaves that one alone', async () => {
  const sent = job();
  expect((await sendJob(origin.url, { ...sent, fence: 2 }, image)).status).toBe(202);
  const overtaken = await signedPost(origin.url, `/jobs/${sent.key}/cancel?fence=1`);
  expect(await overtaken.json()).toEqual({ cancelled: false });
  await finished(sent.key);
  expect(edge.result(sent.key)?.fence).toBe(2);
});

test('a cancel must be signed and name a key and a fence', async () => {
  const unsigned = await fetch(`${origin.url}/jobs/${job().key}/cancel`, { method: 'POST' });
  expect(unsigned.status).toBe(401);
  expect((await signedPost(origin.url, '/jobs/nonsense/cancel?fence=1')).status).toBe(404);
  expect(await problemOf(await signedPost(origin.url, `/jobs/${job().key}/cancel`))).toMatchObject({
    status: 400,
    code: 'invalid_parameter',
  });
});

test('an unknown path is a 404 in the same form', async () => {
  expect(await problemOf(await fetch(`${origin.url}/nothing`))).toMatchObject({ status: 404, code: 'not_found' });
});

test('the probes say that it lives and takes jobs', async () => {
  expect((await fetch(`${origin.url}/livez`)).status).toBe(200);
  expect(await (await fetch(`${origin.url}/readyz`)).json()).toEqual({ status: 'ok', reasons: [] });
});

test('the metrics count jobs, runs and busy time', async () => {
  const text = await (await fetch(`${origin.url}/metrics`)).text();
  expect(text).toMatch(/^meshkiln_origin_jobs_total\{outcome="completed"\} [1-9]/m);
  expect(text).toMatch(/^meshkiln_origin_jobs_total\{outcome="failed"\} 1$/m);
  expect(text).toMatch(/^meshkiln_origin_gpu_runs_total\{model="small@1"\} [1-9]/m);
  expect(text).toMatch(/^meshkiln_origin_lane_busy_seconds_total\{device="0",provider="cpu"\} [0-9]+\.[0-9]+/m);
  expect(text).toMatch(/^meshkiln_origin_queue_depth 0$/m);
});

test('the edge is told of the model, its lane and the queue', () => {
  expect(edge.reports[0]).toMatchObject({
    state: 'ready',
    models: [{ id: 'small@1', digest: model.digest }],
    lanes: [{ device: '0', provider: 'cpu', state: 'ready' }],
    queue: { depth: 0, capacity: 256 },
  });
});
