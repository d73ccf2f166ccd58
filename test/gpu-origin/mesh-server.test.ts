import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { JobResult } from '../../contract/job.ts';
import { readRepository } from '../../gpu-origin/models/repository.ts';
import { heavyInflation, writeModel } from './support/models.ts';
import { startMeshServer, type MeshServerPeer } from './support/mesh-server.ts';
import type { OriginProcess } from './support/origin-process.ts';
import { jobFor, sendJob, signedPost } from './support/send-job.ts';
import { createSetting, type Setting } from './support/setting.ts';

let setting: Setting;
let server: MeshServerPeer;

beforeEach(async () => {
  [setting, server] = await Promise.all([createSetting(), startMeshServer()]);
});
afterEach(async () => {
  await setting.close();
  await server.close();
});

/** Puts the shipped example into the repository, its server being the test's, with what else is changed in it. */
async function addModel(change: Record<string, unknown> = {}) {
  const text = await readFile(join(import.meta.dirname, '../../examples/hunyuan3d/manifest.json'), 'utf8');
  const example = JSON.parse(text.replaceAll('http://127.0.0.1:8081', server.url)) as { server: object };
  const manifest = JSON.stringify({ ...example, server: { ...example.server, ...change } });
  const folder = join(setting.modelsFolder, 'hunyuan3d/2');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'manifest.json'), manifest);
  return { id: 'hunyuan3d@2', digest: createHash('sha256').update(manifest).digest('hex') };
}

const paramsOf = (change: object) => ({ ...jobFor(setting.image).params, seed: 7, mc_resolution: 64, ...change });

async function ended(origin: OriginProcess, change: Parameters<typeof jobFor>[1], image = setting.image) {
  const job = jobFor(image, { params: paramsOf({}), ...change });
  const answer = await sendJob(origin.url, job, image);
  expect(answer.status, await answer.text()).toBe(202);
  return setting.result(job.key);
}

function manifestIn(result: JobResult | null) {
  if (result?.outcome !== 'completed') throw new Error(`no mesh: ${JSON.stringify(result)}`);
  return result.manifest;
}

test('the shipped example is asked as Hunyuan3D wants it, and its GLB comes out in our formats and sizes', async () => {
  setting.edge.keepsGeometry = true;
  const model = await addModel();
  const origin = await setting.start({ GEOMETRY_CACHE_BYTES_MAX: String(2 ** 30) });
  const glb = manifestIn(await ended(origin, { model }));
  expect(glb).toMatchObject({ provider: 'http', degraded: false, reused: null, asset: { watertight: true } });
  expect(glb.gpuMs).toBeGreaterThan(0);
  expect(glb.thumbnail).not.toBeNull();
  const question = JSON.parse(server.questions[0]?.bytes.toString() ?? '') as Record<string, unknown>;
  expect(question).toMatchObject({ seed: 7, octree_resolution: 64, texture: false });
  // The canvas: the object's longer side fills 85 % of a square, the rest is transparent.
  const sent = await sharp(Buffer.from(String(question.image), 'base64')).metadata();
  expect(sent).toMatchObject({ format: 'png', hasAlpha: true, width: sent.height });

  const params = paramsOf({ output_format: 'stl', target_face_count: 500, largest_dimension_mm: 40 });
  const stl = manifestIn(await ended(origin, { model, params }));
  expect(stl).toMatchObject({ provider: 'http', reused: 'geometry', gpuMs: 0, asset: { watertight: true } });
  expect(stl.asset.faces).toBeLessThan(glb.asset.faces);
  const [low, high] = stl.asset.bounds;
  expect(Math.max(...high.map((value, axis) => value - (low[axis] ?? 0)))).toBeCloseTo(40, 3);
  expect(server.questions).toHaveLength(1);
  expect(await setting.metric(origin, 'meshkiln_origin_gpu_runs_total{model="hunyuan3d@2"}')).toBe(1);
});

test('a form with the picture as a file, and a mesh as base64 inside JSON', async () => {
  const request = { as: 'multipart', image: 'file', fields: { seed: '{seed}', note: 'seed {seed}' } };
  const model = await addModel({ request, answer: { as: 'json', path: ['data', 0, 'glb'] } });
  server.answer = () => ({
    status: 200,
    body: JSON.stringify({ data: [{ glb: Buffer.from(server.glb).toString('base64') }] }),
  });
  const origin = await setting.start();
  manifestIn(await ended(origin, { model }));
  const [question] = server.questions;
  const form = await new Response(new Uint8Array(question?.bytes ?? []), {
    headers: { 'content-type': question?.mediaType ?? '' },
  }).formData();
  expect([form.get('seed'), form.get('note')]).toEqual(['7', 'seed 7']);
  const file = form.get('file');
  expect(file instanceof File ? file.type : null).toBe('image/png');
});

test('an opaque picture goes as it is to a server that removes backgrounds', async () => {
  const model = await addModel();
  const origin = await setting.start();
  const opaque = await sharp(setting.image).flatten({ background: '#00f' }).png().toBuffer();
  manifestIn(await ended(origin, { model }, opaque));
  const { image } = JSON.parse(server.questions[0]?.bytes.toString() ?? '') as { image: string };
  const sent = await sharp(Buffer.from(image, 'base64')).metadata();
  expect(sent).toMatchObject({ hasAlpha: false, width: 64, height: 64 });
});

test('what a server says of the picture, of itself and what is no mesh have codes of their own', async () => {
  const model = await addModel({ answer_bytes_max: 200_000 });
  const origin = await setting.start();
  const cases: [ReturnType<MeshServerPeer['answer']>, string, number][] = [
    [{ status: 422, body: '{"detail": "no object"}' }, 'unprocessable_image', 1],
    [{ status: 404, body: '{"error_code": 1}' }, 'upstream_failed', 1],
    [{ status: 500, body: 'out of memory' }, 'upstream_failed', 3],
    [{ status: 200, body: '<html>' }, 'upstream_failed', 1],
    [{ status: 200, body: server.glb.subarray(0, server.glb.length - 1000) }, 'upstream_failed', 1],
    [{ status: 200, body: new Uint8Array(200_001) }, 'upstream_failed', 3],
  ];
  for (const [answer, code, times] of cases) {
    server.questions.length = 0;
    server.answer = () => answer;
    expect(await ended(origin, { model })).toMatchObject({ outcome: 'failed', failure: { code } });
    expect(server.questions).toHaveLength(times);
  }
});

test('a job whose model is replaced under its name while it is made asks no other server', async () => {
  const model = await addModel();
  const origin = await setting.start();
  const release = setting.holdJobs();
  const key = await setting.accepted(origin, { model, params: paramsOf({}) });
  await setting.until(() =>
    expect(setting.edge.calls.some(({ path }) => path.startsWith('/origin/geometry/'))).toBe(true),
  );
  await addModel({ seconds_max: 17 });
  expect((await signedPost(origin.url, '/models/reload')).status).toBe(200);
  release();
  expect(await setting.result(key)).toMatchObject({
    outcome: 'failed',
    failure: { message: expect.stringContaining('no longer serves hunyuan3d@2') as string },
  });
  expect(server.questions).toEqual([]);
});

test('no more questions are open at once than the manifest allows', async () => {
  const model = await addModel();
  const origin = await setting.start({ JOBS_ACTIVE_MAX: '4' });
  const keys = [];
  for (let i = 0; i < 4; i += 1) keys.push(await setting.accepted(origin, { model, params: paramsOf({}) }));
  for (const key of keys) manifestIn(await setting.result(key));
  expect([server.questions.length, server.openMost]).toEqual([4, 1]);
});

test('jobs that wait for a slow server leave places for models of this machine', async () => {
  const { promise: slow, resolve } = Promise.withResolvers<void>();
  server.answer = () => slow.then(() => ({ status: 200, body: server.glb }));
  const asked = await addModel();
  const own = await writeModel(setting.modelsFolder, { depth: heavyInflation(1) });
  const origin = await setting.start({ JOBS_ACTIVE_MAX: '2' });
  const keys = [];
  for (let i = 0; i < 3; i += 1) keys.push(await setting.accepted(origin, { model: asked, params: paramsOf({}) }));
  manifestIn(await setting.result(await setting.accepted(origin, { model: own })));
  expect(server.questions).toHaveLength(1);
  resolve();
  for (const key of keys) manifestIn(await setting.result(key));
});

test('kill -9 of the origin after the server has answered asks it no second time', async () => {
  const model = await addModel();
  const origin = await setting.start();
  // Longer than the pause between two messages of progress, so that one comes soon after the server's answer.
  server.answer = () => sleep(400, { status: 200, body: server.glb });
  let killed = false;
  setting.edge.hold = ({ path, bytes }) => {
    const answered = /"(surface|texture|encode)"/.test(Buffer.from(bytes).toString());
    if (path.startsWith('/origin/progress/') && answered && !killed) {
      process.kill(origin.pid ?? 0, 'SIGKILL');
      killed = true;
    }
    return Promise.resolve();
  };
  const key = await setting.accepted(origin, { model, params: paramsOf({}) });
  await setting.until(() => expect(killed).toBe(true));
  await origin.kill('SIGKILL');
  expect(setting.edge.result(key)).toBeNull();
  await setting.start();
  manifestIn(await setting.result(key));
  expect(server.questions).toHaveLength(1);
});

test('a model whose server does not answer is not offered, and comes back with it', async () => {
  const model = await addModel();
  server.healthy = false;
  const origin = await setting.start();
  const offered = () => setting.edge.reports.at(-1)?.models.map(({ id }) => id);
  await setting.until(() => expect(offered()).toEqual([]));
  expect((await fetch(`${origin.url}/readyz`)).status).toBe(503);
  const job = jobFor(setting.image, { model });
  expect((await sendJob(origin.url, job, setting.image)).status).toBe(503);
  server.healthy = true;
  expect((await signedPost(origin.url, '/models/reload')).status).toBe(200);
  await setting.until(() => expect(offered()).toEqual(['hunyuan3d@2']));
});

test.each([
  [{ request: { as: 'json', body: { image: '{picture}' } } }, /server\.request: holds the unknown \{picture\}/],
  [{ request: { as: 'json', body: { seed: '{seed}' } } }, /server\.request\.body: holds no \{image\}/],
  [{ url: 'ftp://127.0.0.1/' }, /server\.url: must be an http or https URL/],
])('a template that cannot work is named by its field: %j', async (change, message) => {
  await addModel(change);

  const { models, faults } = await readRepository(setting.modelsFolder);
  expect(models).toEqual([]);
  expect(faults).toEqual([{ file: expect.any(String) as string, message: expect.stringMatching(message) as string }]);
});
