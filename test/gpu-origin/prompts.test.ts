import { digestOf } from '../../gpu-origin/digest.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { JobResult } from '../../contract/job.ts';
import { pictureKey } from '../../contract/key.ts';
import { promptInputBytes } from '../../contract/prompt.ts';
import { errorAnswer, startImageApi, type ImageApi } from './support/image-api.ts';
import { heavyInflation, writeModel } from './support/models.ts';
import type { OriginProcess } from './support/origin-process.ts';
import { jobFor, sendJob } from './support/send-job.ts';
import { createSetting, type Setting } from './support/setting.ts';

let setting: Setting;
let api: ImageApi;
let model: { id: string; digest: string };

beforeEach(async () => {
  [setting, api] = await Promise.all([createSetting(), startImageApi()]);
  model = await writeModel(setting.modelsFolder, { depth: heavyInflation(1) });
});
afterEach(async () => {
  await setting.close();
  await api.close();
});

const startDrawing = (environment: Record<string, string> = {}) =>
  setting.start({ TEXT_TO_IMAGE_URLS: api.url, TEXT_TO_IMAGE_MODEL: 'flux', ...environment });

const body = promptInputBytes({ model: 'flux', prompt: 'a red chair' });
const promptJob = (change: Parameters<typeof jobFor>[1] = {}) =>
  jobFor(body, { model, textToImageModel: 'flux', ...change });

async function made(origin: OriginProcess, change: Parameters<typeof jobFor>[1] = {}) {
  const job = promptJob(change);
  expect((await sendJob(origin.url, job, body)).status).toBe(202);
  return manifestIn(await setting.result(job.key));
}

function manifestIn(result: JobResult | null) {
  if (result?.outcome !== 'completed') throw new Error(`no mesh: ${JSON.stringify(result)}`);
  return result.manifest;
}

test('a prompt is drawn once for all its meshes, which say by whom, and share the surface', async () => {
  setting.edge.keepsGeometry = true;
  const origin = await startDrawing({ GEOMETRY_CACHE_BYTES_MAX: String(2 ** 30) });
  await setting.until(() => expect(setting.edge.reports.at(-1)?.textToImageModel).toBe('flux'));
  const glb = await made(origin);
  const source = {
    model: 'flux',
    imageSha256: digestOf(api.picture),
    pictureKey: await pictureKey({ promptSha256: digestOf(body), scope: 'shared' }),
  };
  expect(glb).toMatchObject({ source, imageSha256: digestOf(body), reused: null });
  expect(glb.timingsMs.generate).toBeGreaterThan(0);
  const stl = await made(origin, { params: { ...promptJob().params, output_format: 'stl' } });
  expect(stl).toMatchObject({ source, outputFormat: 'stl', reused: 'geometry' });
  expect(api.calls).toHaveLength(1);
});

test('kill -9 of the origin after the picture was drawn costs no second picture', async () => {
  const origin = await startDrawing();
  const source = await pictureKey({ promptSha256: digestOf(body), scope: 'shared' });
  const { promise, resolve } = Promise.withResolvers<void>();
  let lookUps = 0;
  setting.edge.hold = ({ path }) => {
    if (!path.startsWith('/origin/geometry/') || path.endsWith(source)) return Promise.resolve();
    lookUps += 1;
    return promise;
  };
  const job = promptJob();
  await sendJob(origin.url, job, body);
  await setting.until(() => expect(lookUps).toBe(1));
  await origin.kill('SIGKILL');
  setting.edge.hold = () => Promise.resolve();
  resolve();
  await startDrawing();
  expect(manifestIn(await setting.result(job.key)).source?.imageSha256).toBe(digestOf(api.picture));
  expect(api.calls).toHaveLength(1);
});

test('a picture that no mesh can be made of is drawn anew by the next job', async () => {
  const { picture } = api;
  api.answer = () => ({
    status: 200,
    body: JSON.stringify({ data: [{ b64_json: picture.subarray(0, picture.length / 2).toString('base64') }] }),
  });
  const origin = await startDrawing();
  const job = promptJob();
  await sendJob(origin.url, job, body);
  expect(await setting.result(job.key)).toMatchObject({ outcome: 'failed', failure: { code: 'upstream_failed' } });
  api.answer = () => ({ status: 200, body: JSON.stringify({ data: [{ b64_json: picture.toString('base64') }] }) });
  expect((await made(origin)).source?.imageSha256).toBe(digestOf(picture));
  expect(api.calls).toHaveLength(2);
});

test('a refused prompt and a failing upstream are failures with codes of their own', async () => {
  api.answer = () => errorAnswer(400, 'content_policy_violation');
  const origin = await startDrawing();
  const refused = promptJob();
  await sendJob(origin.url, refused, body);
  expect(await setting.result(refused.key)).toMatchObject({ outcome: 'failed', failure: { code: 'prompt_refused' } });
  api.answer = () => errorAnswer(401, 'invalid_api_key');
  const failed = promptJob();
  await sendJob(origin.url, failed, body);
  expect(await setting.result(failed.key)).toMatchObject({ outcome: 'failed', failure: { code: 'upstream_failed' } });
  expect(setting.edge.progress).toContainEqual({ fence: 1, stage: 'decode', progress: 0 });
});

test('prompts that wait for a slow image API leave places for pictures', async () => {
  const { promise: slow, resolve: drawn } = Promise.withResolvers<void>();
  const { answer } = api;
  api.answer = (call) => slow.then(() => answer(call));
  const origin = await startDrawing({ JOBS_ACTIVE_MAX: '2' });
  const prompts = [1, 2, 3].map(() => promptJob());
  for (const job of prompts) expect((await sendJob(origin.url, job, body)).status).toBe(202);
  for (let i = 0; i < 3; i += 1) {
    expect(await setting.result(await setting.accepted(origin, { model }))).toMatchObject({ outcome: 'completed' });
  }
  expect(await setting.metric(origin, 'meshkiln_origin_jobs_outside')).toBe(1);
  drawn();
  for (const { key } of prompts) expect(await setting.result(key)).toMatchObject({ outcome: 'completed' });
});

test('an origin takes no prompt that it cannot have drawn', async () => {
  const plain = await setting.start();
  const answer = await sendJob(plain.url, promptJob(), body);
  expect(answer.status).toBe(404);
  expect(await answer.json()).toMatchObject({ error: { code: 'model_not_found' } });
});
