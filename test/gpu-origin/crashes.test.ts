import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createSetting, type Setting } from './support/setting.ts';
import { heavyInflation, writeModel } from './support/models.ts';
import type { OriginProcess } from './support/origin-process.ts';
import { jobFor, jobHeaders, sendJob } from './support/send-job.ts';

let setting: Setting;
let model: { id: string; digest: string };
beforeEach(async () => {
  setting = await createSetting();
  model = await writeModel(setting.modelsFolder, { depth: heavyInflation(1) });
});
afterEach(() => setting.close());

/** A model whose run is long enough to be found running. */
const slowModel = () => writeModel(setting.modelsFolder, { depth: heavyInflation(150) }, { name: 'slow' });

async function killGpuProcesses(origin: OriginProcess): Promise<void> {
  const children = await readFile(`/proc/${origin.pid}/task/${origin.pid}/children`, 'utf8');
  for (const pid of children.trim().split(' ').filter(Boolean)) process.kill(Number(pid), 'SIGKILL');
}

/** Waits until so many jobs were begun in all, each held at its look-up of the geometry. */
const begun = (jobs: number) =>
  setting.until(() => {
    const lookUps = setting.edge.calls.filter(
      ({ method, path }) => method === 'GET' && path.startsWith('/origin/geometry/'),
    );
    expect(lookUps).toHaveLength(jobs);
  });

test('kill -9 of the GPU process while it runs: the job completes on the next one', async () => {
  const slow = await slowModel();
  const origin = await setting.start();
  const key = await setting.accepted(origin, { model: slow });
  await setting.lane(origin, { running: 1 });
  await killGpuProcesses(origin);
  await setting.lane(origin, { restarts_total: 1, running: 1 });
  expect(await setting.result(key)).toMatchObject({ outcome: 'completed' });
});

test('a job that ends two GPU processes fails with the cause, and the next job is made', async () => {
  const slow = await slowModel();
  const origin = await setting.start();
  const key = await setting.accepted(origin, { model: slow });
  await setting.lane(origin, { running: 1 });
  await killGpuProcesses(origin);
  await setting.lane(origin, { restarts_total: 1, running: 1 });
  await killGpuProcesses(origin);
  expect(await setting.result(key)).toMatchObject({
    outcome: 'failed',
    failure: { code: 'internal_error', message: expect.stringContaining('ended by SIGKILL') as string },
  });
  expect(await setting.result(await setting.accepted(origin, { model }))).toMatchObject({ outcome: 'completed' });
});

test('kill -9 of the origin: all that it had accepted completes after a restart, each once', async () => {
  const origin = await setting.start({ JOBS_ACTIVE_MAX: '2' });
  const release = setting.holdJobs();
  const keys = [];
  for (let i = 0; i < 4; i += 1) keys.push(await setting.accepted(origin, { model }));
  await begun(2);
  await origin.kill('SIGKILL');
  release();
  expect(keys.map((key) => setting.edge.result(key))).toEqual([null, null, null, null]);
  const restarted = await setting.start();
  for (const key of keys) expect(await setting.result(key)).toMatchObject({ outcome: 'completed', fence: 1 });
  expect(keys.map((key) => setting.edge.results.get(key)?.length)).toEqual([1, 1, 1, 1]);
  await setting.until(async () => expect(await readdir(join(setting.stateFolder, 'spool'))).toEqual([]));
  expect(await setting.metric(restarted, 'meshkiln_origin_queue_depth')).toBe(0);
});

test('a job that the edge sends again to the restarted origin is still one job, with the newer fence', async () => {
  const origin = await setting.start();
  const release = setting.holdJobs();
  const job = jobFor(setting.image, { model });
  expect((await sendJob(origin.url, job, setting.image)).status).toBe(202);
  await origin.kill('SIGKILL');
  const restarted = await setting.start();
  expect((await sendJob(restarted.url, { ...job, fence: 5 }, setting.image)).status).toBe(202);
  release();
  expect(await setting.result(job.key)).toMatchObject({ outcome: 'completed', fence: 5 });
  expect(setting.edge.results.get(job.key)).toHaveLength(1);
});

test('a job that nobody has sent for longer than a flight lives is dropped; one that was sent again is made', async () => {
  const origin = await setting.start({ JOBS_ACTIVE_MAX: '1' });
  const release = setting.holdJobs();
  const jobs = [1, 2].map(() => jobFor(setting.image, { model }));
  for (const job of jobs) expect((await sendJob(origin.url, job, setting.image)).status).toBe(202);
  await origin.kill('SIGKILL');
  const spool = join(setting.stateFolder, 'spool');
  const agedMs = Date.now() - 7 * 3_600_000;
  for (const { key } of jobs) {
    const path = join(spool, `${key}.json`);
    const spooled = JSON.parse(await readFile(path, 'utf8')) as object;
    await writeFile(path, JSON.stringify({ ...spooled, acceptedAtMs: agedMs, sentAtMs: agedMs }));
  }
  // A job before them, so that the edge can send one of the two again while they wait.
  const before = jobFor(setting.image, { model });
  const path = join(spool, before.key);
  await writeFile(
    `${path}.json`,
    JSON.stringify({ job: before, acceptedAtMs: agedMs - 1, sentAtMs: Date.now(), starts: 0 }),
  );
  await writeFile(`${path}.image`, setting.image);
  const restarted = await setting.start({ JOBS_ACTIVE_MAX: '1' });
  const [dropped, again] = jobs;
  if (dropped === undefined || again === undefined) throw new Error('no job');
  expect((await sendJob(restarted.url, { ...again, fence: 2 }, setting.image)).status).toBe(202);
  release();
  for (const { key } of [before, again]) expect(await setting.result(key)).toMatchObject({ outcome: 'completed' });
  expect(await restarted.until('job forgotten')).toMatchObject({ key: dropped.key });
  await setting.until(async () => expect(await readdir(spool)).toEqual([]));
  expect(setting.edge.result(dropped.key)).toBeNull();
});

test('a signed call that was taken before the origin was killed is refused after its restart', async () => {
  const origin = await setting.start();
  const release = setting.holdJobs();
  const job = jobFor(setting.image, { model });
  const headers = await jobHeaders(job);
  expect((await sendJob(origin.url, job, setting.image, headers)).status).toBe(202);
  await origin.kill('SIGKILL');
  const restarted = await setting.start();
  const replayed = await sendJob(restarted.url, job, setting.image, headers);
  expect(replayed.status).toBe(401);
  expect(await replayed.json()).toMatchObject({ error: { message: 'This signed call was seen before.' } });
  release();
});

test('a job in progress at three deaths of the origin is given up with the cause', async () => {
  const release = setting.holdJobs();
  let origin = await setting.start();
  const key = await setting.accepted(origin, { model });
  for (let deaths = 0; deaths < 3; deaths += 1) {
    await begun(deaths + 1);
    await origin.kill('SIGKILL');
    origin = await setting.start();
  }
  expect(await setting.result(key)).toMatchObject({
    outcome: 'failed',
    failure: { code: 'internal_error', message: 'The origin ended 3 times while it made this mesh.' },
  });
  release();
});

test('SIGTERM finishes what runs, leaves what waits for the next process, and refuses new jobs meanwhile', async () => {
  const origin = await setting.start({ JOBS_ACTIVE_MAX: '1' });
  const release = setting.holdJobs();
  const running = await setting.accepted(origin, { model });
  const waiting = await setting.accepted(origin, { model });
  await begun(1);
  const ended = origin.kill('SIGTERM');
  await origin.until('draining');
  const refused = await sendJob(origin.url, jobFor(setting.image, { model }), setting.image);
  expect(refused.status).toBe(503);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await refused.json()).toMatchObject({ error: { code: 'draining' } });
  expect((await fetch(`${origin.url}/readyz`)).status).toBe(503);
  expect((await fetch(`${origin.url}/livez`)).status).toBe(200);
  await setting.until(() => expect(setting.edge.reports.at(-1)?.state).toBe('draining'));
  release();
  expect(await ended).toEqual({ code: 0, signal: null });
  expect(setting.edge.result(running)).toMatchObject({ outcome: 'completed' });
  expect(setting.edge.result(waiting)).toBeNull();
  await setting.start();
  expect(await setting.result(waiting)).toMatchObject({ outcome: 'completed' });
});

test('SIGTERM that cannot wait longer leaves the running job in the spool', async () => {
  const origin = await setting.start({ DRAIN_SECONDS_MAX: '0' });
  const release = setting.holdJobs();
  const key = await setting.accepted(origin, { model });
  await begun(1);
  expect(await origin.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  expect(setting.edge.result(key)).toBeNull();
  release();
  await setting.start();
  expect(await setting.result(key)).toMatchObject({ outcome: 'completed' });
});

test('SIGTERM hands what waits back to an edge that has another origin, and what runs too when its time is up', async () => {
  const origin = await setting.start({ JOBS_ACTIVE_MAX: '1', DRAIN_SECONDS_MAX: '1' });
  const release = setting.holdJobs();
  const running = await setting.accepted(origin, { model });
  const waiting = await setting.accepted(origin, { model });
  await begun(1);
  setting.edge.takesReturns = true;
  expect(await origin.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  const returned = setting.edge.calls.filter(({ path }) => path.startsWith('/origin/returns/'));
  expect(returned.map(({ path }) => path)).toEqual([`/origin/returns/${waiting}`, `/origin/returns/${running}`]);
  expect(await readdir(join(setting.stateFolder, 'spool'))).toEqual([]);
  release();
  await setting.start();
  expect([setting.edge.result(running), setting.edge.result(waiting)]).toEqual([null, null]);
});

test('SIGTERM with an edge that is away keeps every job for the next process', async () => {
  const origin = await setting.start({ JOBS_ACTIVE_MAX: '1' });
  const release = setting.holdJobs();
  const keys = [await setting.accepted(origin, { model }), await setting.accepted(origin, { model })];
  await begun(1);
  setting.edge.takesReturns = true;
  setting.edge.answer = ({ path }) => (path.startsWith('/origin/returns/') ? 503 : null);
  const ended = origin.kill('SIGTERM');
  await origin.until('jobs handed back');
  release();
  expect(await ended).toEqual({ code: 0, signal: null });
  setting.edge.answer = () => null;
  await setting.start();
  for (const key of keys) expect(await setting.result(key)).toMatchObject({ outcome: 'completed' });
});
