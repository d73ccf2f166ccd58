import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { PeerCall } from '../support/edge-peer.ts';
import { createSetting, type Setting } from '../support/setting.ts';
import { carriedThumbnailBytesMax } from '../../../contract/job.ts';
import type { ShipmentRecord } from '../../../gpu-origin/write-back/shipment.ts';
import { heavyInflation, writeModel } from '../support/models.ts';
import { jobFor, sendJob, signedPost } from '../support/send-job.ts';

let setting: Setting;
let model: { id: string; digest: string };
beforeEach(async () => {
  setting = await createSetting();
  model = await writeModel(setting.modelsFolder, { depth: heavyInflation(2) });
});
afterEach(() => setting.close());

const outboxFiles = () => readdir(join(setting.stateFolder, 'outbox'));
const spoolFiles = () => readdir(join(setting.stateFolder, 'spool'));
const isResult = ({ path }: { path: string }) => path.startsWith('/origin/results/');
const isWriteBack = ({ path }: { path: string }) => /^\/origin\/(blobs|results)\//.test(path);

/** The edge answers every write-back with this status until `up`. */
function down(status: number): { up: () => void } {
  setting.edge.answer = (call) => (isWriteBack(call) ? status : null);
  return { up: () => (setting.edge.answer = () => null) };
}

/** Waits until a result lies in the outbox and the edge has refused it once. */
const waitsInOutbox = (key: string) =>
  setting.until(async () => {
    // Its files are written together: all are there once the job has left the spool.
    expect(await spoolFiles()).toEqual([]);
    expect(await outboxFiles()).toContain(`${key}.json`);
    expect(await spoolFiles()).toEqual([]);
    expect(setting.edge.calls.some(isWriteBack)).toBe(true);
  });

test('a result waits on disk while the edge is down, and is delivered once it is up', async () => {
  const edge = down(503);
  const key = await setting.accepted(await setting.start(), { model });
  await waitsInOutbox(key);
  edge.up();
  expect(await setting.result(key)).toMatchObject({ outcome: 'completed' });
  await setting.until(async () => expect(await outboxFiles()).toEqual([]));
});

test('the mesh file and then the result, with the thumbnail, are sent once, while the job or its result is on disk', async () => {
  const wasOnDisk: boolean[] = [];
  setting.edge.answer = ({ path }) => {
    const key = /^\/origin\/results\/(\w+)$/.exec(path)?.[1];
    const files = [`spool/${key}.json`, `outbox/${key}.json`];
    if (key !== undefined) wasOnDisk.push(files.some((file) => existsSync(join(setting.stateFolder, file))));
    return null;
  };
  await setting.result(await setting.accepted(await setting.start(), { model }));
  await setting.until(async () => expect(await outboxFiles()).toEqual([]));
  expect(wasOnDisk).toEqual([true]);
  expect(setting.edge.calls.filter(({ path }) => path.startsWith('/origin/blobs/'))).toHaveLength(1);
});

test('a result that the edge takes at once is not written to the outbox', async () => {
  let written: string[] = [];
  setting.edge.hold = async (call) => {
    if (isResult(call)) await sleep(300);
    if (isResult(call)) written = await outboxFiles();
  };
  const origin = await setting.start();
  const key = await setting.accepted(origin, { model });
  expect(await setting.result(key)).toMatchObject({ outcome: 'completed' });
  await setting.until(async () => expect(await spoolFiles()).toEqual([]));
  expect([written, await outboxFiles()]).toEqual([[], []]);
  expect(await setting.metric(origin, 'meshkiln_origin_jobs_total{outcome="completed"}')).toBe(1);
  expect(await setting.metric(origin, 'meshkiln_origin_results_total{outcome="delivered"}')).toBe(1);
});

test('a result that the edge takes its time for is in the outbox meanwhile, and is sent once', async () => {
  const held = Promise.withResolvers<void>();
  setting.edge.hold = (call) => (isResult(call) ? held.promise : Promise.resolve());
  const key = await setting.accepted(await setting.start(), { model });
  await setting.until(async () => {
    expect(await outboxFiles()).toContain(`${key}.json`);
    expect(await spoolFiles()).toEqual([]);
  });
  held.resolve();
  expect(await setting.result(key)).toMatchObject({ outcome: 'completed' });
  await setting.until(async () => expect(await outboxFiles()).toEqual([]));
  expect(setting.edge.results.get(key)).toHaveLength(1);
});

test('kill -9 while a result is on its way loses nothing: the next process sends it', async () => {
  setting.edge.hold = (call) => (isResult(call) ? new Promise(() => undefined) : Promise.resolve());
  const origin = await setting.start();
  const key = await setting.accepted(origin, { model });
  await setting.until(() => expect(setting.edge.calls.some(isResult)).toBe(true));
  expect(await outboxFiles()).toEqual([]);
  await origin.kill('SIGKILL');
  setting.edge.hold = () => Promise.resolve();
  const restarted = await setting.start();
  expect(await setting.result(key)).toMatchObject({ outcome: 'completed' });
  // What its runs gave is on disk.
  expect(await setting.metric(restarted, 'meshkiln_origin_gpu_runs_total{model="small@1"}')).toBeNull();
});

test('a result in the outbox survives kill -9 and is delivered by the next process with no second run', async () => {
  const edge = down(503);
  const origin = await setting.start();
  const key = await setting.accepted(origin, { model });
  await waitsInOutbox(key);
  await origin.kill('SIGKILL');
  edge.up();
  const restarted = await setting.start();
  expect(await setting.result(key)).toMatchObject({ outcome: 'completed' });
  expect(await setting.metric(restarted, 'meshkiln_origin_gpu_runs_total{model="small@1"}')).toBeNull();
});

test('a key that is sent again while its result waits makes no second job, and raises the fence', async () => {
  const edge = down(503);
  const origin = await setting.start();
  const job = jobFor(setting.image, { model });
  await sendJob(origin.url, job, setting.image);
  await waitsInOutbox(job.key);
  expect((await sendJob(origin.url, { ...job, fence: 9 }, setting.image)).status).toBe(202);
  edge.up();
  expect(await setting.result(job.key)).toMatchObject({ outcome: 'completed', fence: 9 });
  expect(await setting.metric(origin, 'meshkiln_origin_jobs_total{outcome="accepted"}')).toBe(1);
});

test('a full outbox refuses new jobs with the reason, and takes them again when the edge is back', async () => {
  const edge = down(503);
  const origin = await setting.start({ OUTBOX_BYTES_MAX: '1000' });
  const key = await setting.accepted(origin, { model });
  await waitsInOutbox(key);
  const refused = await sendJob(origin.url, jobFor(setting.image, { model }), setting.image);
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).toBe('30');
  expect(await refused.json()).toMatchObject({
    error: { code: 'no_origin', message: expect.stringMatching(/^The outbox holds \d+ of 1000 bytes/) as string },
  });
  const ready = await fetch(`${origin.url}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toMatchObject({ reasons: [expect.stringContaining('The outbox holds') as string] });
  await setting.until(() => expect(setting.edge.reports.at(-1)?.state).toBe('full'));
  edge.up();
  await setting.result(key);
  await setting.until(async () => expect((await fetch(`${origin.url}/readyz`)).status).toBe(200));
  expect(await setting.result(await setting.accepted(origin, { model }))).toMatchObject({ outcome: 'completed' });
});

test('a disk with too little room refuses new jobs and says so', async () => {
  const origin = await setting.start({ STATE_FREE_BYTES_MIN: String(2 ** 50) });
  const refused = await sendJob(origin.url, jobFor(setting.image, { model }), setting.image);
  expect(refused.status).toBe(503);
  expect(await refused.json()).toMatchObject({ error: { message: expect.stringContaining('The disk has') as string } });
});

test('410 drops the result: nobody waits for it', async () => {
  down(410);
  const origin = await setting.start();
  const key = await setting.accepted(origin, { model });
  await setting.until(async () =>
    expect(await setting.metric(origin, 'meshkiln_origin_results_total{outcome="dropped"}')).toBe(1),
  );
  expect(await outboxFiles()).toEqual([]);
  // The mesh file, once, and no result.
  expect(setting.edge.calls.filter(isWriteBack)).toHaveLength(1);
  expect(setting.edge.result(key)).toBeNull();
});

test('410 to the progress of a running job stops it', async () => {
  setting.edge.answer = ({ path }) => (path.startsWith('/origin/progress/') ? 410 : null);
  const origin = await setting.start();
  const key = await setting.accepted(origin, { model });
  await setting.until(async () =>
    expect(await setting.metric(origin, 'meshkiln_origin_jobs_total{outcome="cancelled"}')).toBe(1),
  );
  expect(await spoolFiles()).toEqual([]);
  expect(setting.edge.result(key)).toBeNull();
});

test('a blob that the edge will never take ends the job as failed, with what the edge said', async () => {
  setting.edge.answer = ({ path }) => (path.startsWith('/origin/blobs/') ? 413 : null);
  const key = await setting.accepted(await setting.start(), { model });
  expect(await setting.result(key)).toMatchObject({
    outcome: 'failed',
    failure: { code: 'internal_error', message: expect.stringContaining('413') as string },
  });
  await setting.until(async () => expect(await outboxFiles()).toEqual([]));
});

test('a blob that the disk has damaged is refused by its digest, and the job ends as failed', async () => {
  const edge = down(503);
  const origin = await setting.start();
  const key = await setting.accepted(origin, { model });
  await waitsInOutbox(key);
  await origin.kill('SIGKILL');
  const blob = (await outboxFiles()).find((name) => name.startsWith(`${key}.`) && !name.endsWith('.json')) ?? '';
  const path = join(setting.stateFolder, 'outbox', blob);
  const bytes = await readFile(path);
  bytes[100] = (bytes[100] ?? 0) ^ 1;
  await writeFile(path, bytes);
  edge.up();
  await setting.start();
  expect(await setting.result(key)).toMatchObject({ outcome: 'failed', failure: { code: 'internal_error' } });
});

test.each([
  ['with its result', carriedThumbnailBytesMax, 0],
  ['by itself', carriedThumbnailBytesMax + 1, 1],
])('a thumbnail from the outbox goes %s when it has %i bytes', async (_, bytes, calls) => {
  const edge = down(503);
  const origin = await setting.start();
  const key = await setting.accepted(origin, { model });
  await waitsInOutbox(key);
  await origin.kill('SIGKILL');
  const body = randomBytes(bytes);
  const sha256 = createHash('sha256').update(body).digest('hex');
  const path = join(setting.stateFolder, 'outbox', key);
  const entry = JSON.parse(await readFile(`${path}.json`, 'utf8')) as ShipmentRecord;
  if (entry.result.outcome !== 'completed' || entry.result.manifest.thumbnail === null) throw new Error('no thumbnail');
  Object.assign(entry.result.manifest.thumbnail, { sha256, bytes });
  Object.assign(entry.blobs[1] ?? {}, { sha256, bytes });
  await writeFile(`${path}.${sha256}`, body);
  await writeFile(`${path}.json`, JSON.stringify(entry));
  edge.up();
  await setting.start();
  expect(await setting.result(key)).toMatchObject({ outcome: 'completed' });
  expect(setting.edge.blobs.get(sha256)).toEqual(body);
  expect(setting.edge.calls.filter((call) => call.path === `/origin/blobs/${sha256}`)).toHaveLength(calls);
});

test('an edge that knows of no thumbnails in results is sent it by itself', async () => {
  const carries = (call: PeerCall) => isResult(call) && 'thumbnail' in JSON.parse(new TextDecoder().decode(call.bytes));
  setting.edge.answer = (call) => (carries(call) ? 400 : null);
  const key = await setting.accepted(await setting.start(), { model });
  const result = await setting.result(key);
  if (result?.outcome !== 'completed' || result.manifest.thumbnail === null) throw new Error('no thumbnail');
  const { sha256, bytes } = result.manifest.thumbnail;
  expect(setting.edge.blobs.get(sha256)).toHaveLength(bytes);
  await setting.until(async () => expect(await outboxFiles()).toEqual([]));
  expect(setting.edge.calls.filter(carries)).toHaveLength(1);
});

test('a result that the edge has not taken for six hours is dropped: its flight has failed', async () => {
  down(503);
  const origin = await setting.start();
  const key = await setting.accepted(origin, { model });
  await waitsInOutbox(key);
  await origin.kill('SIGKILL');
  const path = join(setting.stateFolder, 'outbox', `${key}.json`);
  const entry = JSON.parse(await readFile(path, 'utf8')) as { finishedAtMs: number };
  await writeFile(path, JSON.stringify({ ...entry, finishedAtMs: entry.finishedAtMs - 6 * 3_600_000 }));
  await setting.start();
  await setting.until(async () => expect(await outboxFiles()).toEqual([]));
});

test('a job that is cancelled when its mesh has gone ahead comes to its result, for the edge to remove the mesh', async () => {
  const origin = await setting.start();
  const job = jobFor(setting.image, { model });
  const cancels: Promise<Response>[] = [];
  setting.edge.hold = async ({ path }) => {
    if (!path.startsWith('/origin/blobs/')) return;
    if (cancels.length === 0) cancels.push(signedPost(origin.url, `/jobs/${job.key}/cancel?fence=${job.fence}`));
    await cancels[0];
  };
  setting.edge.answer = (call) => (isResult(call) ? 410 : null);
  await sendJob(origin.url, job, setting.image);
  await setting.until(() => expect(setting.edge.calls.some(isResult)).toBe(true));
  expect(await (await cancels[0])?.json()).toEqual({ cancelled: true });
  await setting.until(async () => expect(await outboxFiles()).toEqual([]));
});

test('a result that is cancelled while it waits is sent, for the edge to remove what it has of it', async () => {
  const origin = await setting.start();
  const job = jobFor(setting.image, { model });
  const resultCalls = () => setting.edge.calls.filter(isResult).length;
  let callsBefore = Infinity;
  setting.edge.hold = async (call) => {
    if (callsBefore < Infinity || !isResult(call)) return;
    callsBefore = resultCalls();
    const answer = await signedPost(origin.url, `/jobs/${job.key}/cancel?fence=${job.fence}`);
    expect(await answer.json()).toEqual({ cancelled: true });
  };
  setting.edge.answer = (call) => (isResult(call) ? (resultCalls() > callsBefore ? 410 : 503) : null);
  await sendJob(origin.url, job, setting.image);
  await setting.until(() => expect(resultCalls()).toBeGreaterThan(callsBefore));
  await setting.until(async () => expect(await outboxFiles()).toEqual([]));
});
