import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startOriginProcess } from '../support/origin-process.ts';
import { ballField } from '../support/triplane.ts';
import { heavyInflation, writeModel, writeSquaring } from '../support/models.ts';
import { bisque, disc, jobFor, modelsFolder, sendJob, signedPost } from '../support/send-job.ts';
import { createSetting, type Setting } from '../support/setting.ts';

let setting: Setting;
beforeEach(async () => {
  setting = await createSetting();
});
afterEach(() => setting.close());

test('the shipped default model makes a watertight mesh', async () => {
  const origin = await setting.start({ MODELS_DIR: modelsFolder });
  const image = await disc(200, 256);
  const job = jobFor(image, { model: bisque });
  expect((await sendJob(origin.url, job, image)).status).toBe(202);
  expect(await setting.result(job.key)).toMatchObject({
    outcome: 'completed',
    manifest: { model: 'bisque@1', asset: { watertight: true }, provider: 'cpu', reused: null },
  });
});

test('a model is added and removed without a restart', async () => {
  const first = await writeModel(setting.modelsFolder, { depth: heavyInflation(1) }, { name: 'first' });
  const origin = await setting.start();
  const second = await writeModel(setting.modelsFolder, { depth: heavyInflation(1) }, { name: 'second' });
  await rm(first.folder, { recursive: true });
  expect(await (await signedPost(origin.url, '/models/reload')).json()).toEqual({ models: ['second@1'], faults: [] });
  expect(await setting.result(await setting.accepted(origin, { model: second }))).toMatchObject({
    outcome: 'completed',
  });
  const gone = await sendJob(origin.url, jobFor(setting.image, { model: first }), setting.image);
  expect(gone.status).toBe(404);
  await setting.until(() => expect(setting.edge.reports.at(-1)?.models.map(({ id }) => id)).toEqual(['second@1']));
});

test('a job whose model is replaced under its name while it is made fails rather than have the new one run', async () => {
  const old = await writeModel(setting.modelsFolder, { depth: heavyInflation(1) });
  const origin = await setting.start();
  const release = setting.holdJobs();
  const key = await setting.accepted(origin, { model: old });
  await setting.until(() =>
    expect(setting.edge.calls.filter(({ path }) => path.startsWith('/origin/geometry/'))).toHaveLength(1),
  );
  const replaced = await writeModel(setting.modelsFolder, { depth: heavyInflation(2) });
  expect([replaced.id, replaced.digest === old.digest]).toEqual([old.id, false]);
  expect((await signedPost(origin.url, '/models/reload')).status).toBe(200);
  release();
  expect(await setting.result(key)).toMatchObject({
    outcome: 'failed',
    failure: { message: 'This origin no longer serves small@1 as it was when the job came.' },
  });
  const again = await setting.accepted(origin, { model: replaced });
  expect(await setting.result(again)).toMatchObject({ manifest: { modelDigest: replaced.digest } });
});

test('a reload tells what is wrong with a model and goes on serving the others', async () => {
  const good = await writeModel(setting.modelsFolder, { depth: heavyInflation(1) }, { name: 'good' });
  const origin = await setting.start();
  const bad = await writeModel(setting.modelsFolder, { depth: heavyInflation(1) }, { name: 'bad', version: '2' });
  await rm(join(bad.folder, 'depth.onnx'));
  expect(await (await signedPost(origin.url, '/models/reload')).json()).toEqual({
    models: [good.id],
    faults: [
      { file: join(bad.folder, 'depth.onnx'), message: expect.stringContaining('cannot be read (ENOENT') as string },
    ],
  });
  expect(await setting.result(await setting.accepted(origin, { model: good }))).toMatchObject({ outcome: 'completed' });
});

test('an origin with no model lives, is not ready, and takes no jobs until a model comes', async () => {
  await writeModel(setting.modelsFolder, { depth: heavyInflation(1) }, { family: 'matting' });
  const origin = await setting.start();
  expect((await fetch(`${origin.url}/livez`)).status).toBe(200);
  expect(await (await fetch(`${origin.url}/readyz`)).json()).toMatchObject({
    reasons: ['No model that makes meshes is loaded'],
  });
  const refused = await sendJob(origin.url, jobFor(setting.image), setting.image);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '2']);
  const model = await writeModel(setting.modelsFolder, { depth: heavyInflation(1) }, { name: 'late' });
  await signedPost(origin.url, '/models/reload');
  expect((await fetch(`${origin.url}/readyz`)).status).toBe(200);
  expect(await setting.result(await setting.accepted(origin, { model }))).toMatchObject({ outcome: 'completed' });
});

test('a provider that was asked for and is not there makes degraded results that live ten minutes', async () => {
  const model = await writeModel(setting.modelsFolder, { depth: heavyInflation(1) });
  const origin = await setting.start({ PROVIDERS: 'cuda,cpu', GPU_DEVICES: '99' });
  const result = await setting.result(await setting.accepted(origin, { model }));
  if (result?.outcome !== 'completed') throw new Error('the job did not complete');
  const { manifest } = result;
  expect(manifest).toMatchObject({ provider: 'cpu', degraded: true });
  expect(manifest.expiresAtSeconds).toBe(manifest.completedAtSeconds + 600);
});

test('a job that takes longer than its limit fails and says so', async () => {
  const model = await writeModel(setting.modelsFolder, { depth: heavyInflation(1) });
  const origin = await setting.start({ JOB_SECONDS_MAX: '1' });
  const release = setting.holdJobs();
  const key = await setting.accepted(origin, { model });
  expect(await setting.result(key)).toMatchObject({
    outcome: 'failed',
    failure: { code: 'internal_error', message: 'It took more than 1 s.' },
  });
  release();
});

test('metrics with a token need it', async () => {
  await writeModel(setting.modelsFolder, { depth: heavyInflation(1) });
  const token = 'a token of the tests';
  const origin = await setting.start({ METRICS_TOKEN: token });
  const get = (headers: Record<string, string>) => fetch(`${origin.url}/metrics`, { headers });
  expect((await get({})).status).toBe(401);
  expect((await get({ authorization: 'Bearer another' })).status).toBe(401);
  expect((await get({ authorization: `Bearer ${token}` })).status).toBe(200);
});

test('metrics with no token are closed on an address that is not loopback', async () => {
  await writeModel(setting.modelsFolder, { depth: heavyInflation(1) });
  const origin = await setting.start({ ORIGIN_HOST: '0.0.0.0' });
  expect((await fetch(`${origin.url}/metrics`)).status).toBe(401);
});

test('a wrong environment ends the process with the variable named', async () => {
  const started = startOriginProcess({ EDGE_URL: 'nowhere', ORIGIN_STATE: setting.stateFolder });
  await expect(started).rejects.toThrow('EDGE_URL: must be an http or https URL');
});

test('secrets never reach the log', async () => {
  await writeModel(setting.modelsFolder, { depth: heavyInflation(1) });
  const secret = 'the secret that nobody may read';
  const origin = await setting.start({ ORIGIN_SECRET: secret, METRICS_TOKEN: `${secret} either` });
  await origin.until('edge not reached'); // the edge does not know this secret
  expect(JSON.stringify(origin.lines)).not.toContain(secret);
  const tooShort = 'pssst';
  const refused = startOriginProcess({ ORIGIN_SECRET: tooShort, ORIGIN_STATE: setting.stateFolder });
  const words = await refused.then(String, String);
  expect(words).toContain('ORIGIN_SECRET');
  expect(words).not.toContain(tooShort);
});

test('the request that began a job is named by every line and call that is made for it, after a restart too', async () => {
  const model = await writeModel(setting.modelsFolder, { depth: heavyInflation(1) });
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const trace = { requestId: 'req_of_a_test', traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
  const named = (calls: typeof setting.edge.calls) =>
    calls.map(({ headers }) => [headers.get('x-request-id'), headers.get('traceparent')]);
  const origin = await setting.start();
  setting.edge.answer = ({ path }) => (path.startsWith('/origin/results/') ? 503 : null);
  const key = await setting.accepted(origin, { model, trace });
  const undelivered = await origin.until('result not delivered');
  expect(undelivered).toMatchObject({ level: 'warn', key, request_id: trace.requestId, trace_id: traceId });
  await origin.kill('SIGKILL');
  const before = setting.edge.calls.filter(({ path }) => path.startsWith('/origin/progress/'));
  setting.edge.answer = () => null;
  await setting.start();
  expect(await setting.result(key)).toMatchObject({ outcome: 'completed' });
  const results = setting.edge.calls.filter(({ path }) => /^\/origin\/(blobs|results)\//.test(path));
  expect(before.length).toBeGreaterThan(0);
  for (const names of named([...before, ...results])) expect(names).toEqual([trace.requestId, trace.traceparent]);
  expect(origin.lines.find(({ event }) => event === 'ready')).not.toHaveProperty('request_id');
});

test('the metrics tell what became of jobs, and where their time went, stage by stage', async () => {
  const model = await writeModel(setting.modelsFolder, { depth: heavyInflation(1) });
  const origin = await setting.start();
  await setting.result(await setting.accepted(origin, { model }));
  const metric = (name: string) => setting.metric(origin, `meshkiln_origin_${name}`);
  await setting.until(async () => expect(await metric('jobs_total{outcome="completed"}')).toBe(1));
  for (const stage of ['queue', 'decode', 'matte', 'infer', 'surface', 'texture', 'encode']) {
    expect(await metric(`stage_seconds_count{stage="${stage}"}`)).toBe(1);
  }
  expect(await metric('stage_seconds_count{stage="total"}')).toBeNull();
  expect(await metric('batch_rows_bucket{le="1",model="small@1",graph="depth"}')).toBe(1);
  expect(await metric('queue_depth')).toBe(0);
  expect(await setting.metric(origin, 'process_open_fds')).toBeGreaterThan(0);
});

const ball = {
  name: 'ball',
  family: 'triplane-field',
  preprocessing: { size: 512, channels: ['red', 'green', 'blue'], background: 128 / 255 },
  field: { threshold: 25, radius: 0.87, pointsPerRun: 8192 },
  batch: { maximum: 1 },
  uses: ['mc_resolution'],
  defaults: { mc_resolution: 48 },
} satisfies Parameters<typeof writeModel>[2];

test('fields that would take more memory than there is wait for their turn, and hold nothing else up', async () => {
  const field = await writeModel(setting.modelsFolder, ballField, ball);
  const model = await writeModel(setting.modelsFolder, { depth: heavyInflation(1) });
  const origin = await setting.start({ FIELD_BYTES_MAX: String(2 ** 30), JOBS_ACTIVE_MAX: '8' });
  const release = setting.holdJobs();
  const params = { ...jobFor(setting.image).params, mc_resolution: 512 };
  const largest = [];
  for (let i = 0; i < 3; i += 1) largest.push(await setting.accepted(origin, { model: field, params }));
  const small = await setting.accepted(origin, { model: field, params: { ...params, mc_resolution: 32 } });
  const picture = await setting.accepted(origin, { model });
  const holds = (active: number, waiting: number, bytes: number) =>
    setting.until(async () => {
      const metric = (name: string) => setting.metric(origin, `meshkiln_origin_${name}`);
      const [actives, depth, field_bytes] = [metric('jobs_active'), metric('queue_depth'), metric('field_bytes')];
      expect([await actives, await depth, await field_bytes]).toEqual([active, waiting, bytes]);
    });
  await holds(2, 3, 2 ** 30);
  // Each that ends lets the next one begin; the small one does not overtake those that wait for room.
  const cancel = (key: string) => signedPost(origin.url, `/jobs/${key}/cancel?fence=1`);
  await cancel(largest[0] ?? '');
  await holds(2, 2, 2 ** 30);
  await cancel(largest[1] ?? '');
  await holds(2, 1, 2 ** 30);
  await cancel(largest[2] ?? '');
  await holds(2, 0, 4 * 32 ** 3 + 2048 * 32 ** 2);
  release();
  for (const key of [small, picture]) expect(await setting.result(key)).toMatchObject({ outcome: 'completed' });
});

test('the metrics tell how far the golden output of each model was off', async () => {
  await writeModel(setting.modelsFolder, { depth: heavyInflation(1) });
  await writeSquaring(setting.modelsFolder, { providers: ['cpu'], tolerance: 1e-3 }, { name: 'half' });
  const origin = await setting.start();
  const series = 'meshkiln_origin_golden_error{device="0",provider="cpu",model="half@1"}';
  const error = await setting.metric(origin, series);
  expect(error).toBeGreaterThan(1e-4);
  expect(error).toBeLessThan(1e-3);
});

test('a model pair in the shape of TripoSR, added by its manifest to a running origin, serves meshes', async () => {
  await writeModel(setting.modelsFolder, { depth: heavyInflation(1) });
  const origin = await setting.start();
  const model = await writeModel(setting.modelsFolder, ballField, ball);
  expect((await signedPost(origin.url, '/models/reload')).status).toBe(200);
  const params = { ...jobFor(setting.image).params, mc_resolution: 48 };
  const result = await setting.result(await setting.accepted(origin, { model, params }));
  if (result?.outcome !== 'completed') throw new Error(`no mesh: ${JSON.stringify(result)}`);
  const { asset, provider, reused } = result.manifest;
  expect({ provider, reused, watertight: asset.watertight }).toEqual({
    provider: 'cpu',
    reused: null,
    watertight: true,
  });
  const [low, high] = asset.bounds;
  for (const axis of [0, 1, 2] as const) expect(high[axis] - low[axis]).toBeCloseTo(0.1, 2); // a ball of 100 mm
});
