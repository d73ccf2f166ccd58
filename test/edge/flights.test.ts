import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { sha256 } from '../../contract/digest.ts';
import { keyOfMeshId } from '../../contract/key.ts';
import { call, errorOf, mesh, picture, post } from './client.ts';
import { complete, fakeNetwork, originCall, putResult, report, type Network, type SentJob } from './fake-origin.ts';
import { jobMsMax } from './making.ts';

let network: Network;

beforeEach(() => {
  network = fakeNetwork();
  vi.spyOn(console, 'warn').mockImplementation(() => undefined); // what is lost or unreachable here is so on purpose
  // Each test has hours of its own, so that it finds nothing fresh that another left in the isolate or the Fleet.
  vi.useFakeTimers({ toFake: ['Date'], now: (clock += 24 * 3600_000) });
});
afterEach(() => {
  clock = Date.now();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

let clock = Date.now();
const waiting = { headers: { prefer: 'wait=30' } };

function later(seconds: number): void {
  vi.setSystemTime(Date.now() + seconds * 1000);
}

async function jobs(count: number): Promise<SentJob> {
  return vi.waitFor(() => {
    expect(network.jobs).toHaveLength(count);
    const last = network.jobs.at(-1);
    if (last === undefined) throw new Error('no job yet');
    return last;
  }, jobMsMax);
}

const flightOf = (key: string) => env.FLIGHT.getByName(key);
const statusOf = async (key: string) => (await mesh(call(`/v1/meshes/mesh_${key}`))).status;

/** Starts a flight; its dispatch has been answered when this returns. */
async function start(image = picture()): Promise<string> {
  const key = keyOfMeshId((await mesh(post(image))).id);
  if (key === null) throw new Error('the id holds no key');
  await vi.waitFor(() => settled(key));
  return key;
}

/** Runs the flight's alarm as if it were due, until what it started has been answered. */
async function ring(key: string): Promise<void> {
  expect(await runDurableObjectAlarm(flightOf(key))).toBe(true);
  await vi.waitFor(() => settled(key));
}

async function settled(key: string): Promise<void> {
  const alarm = await runInDurableObject(flightOf(key), (_, state) => state.storage.getAlarm());
  const state = await flightState(key);
  // What was just started, or is being sent, has its alarm ten seconds away or behind the time for sending.
  const answered = state === 'dispatched' ? (alarm ?? 0) <= Date.now() + 10_000 : alarm !== Date.now() + 10_000;
  if (!answered) throw new Error(`the flight is still ${state}`);
}

/** Tells of a job that work on it has begun. */
async function begin({ job, originId }: SentJob): Promise<void> {
  const body = JSON.stringify({ fence: job.fence, stage: 'infer', progress: 0.4 });
  const told = await originCall('POST', `/origin/progress/${job.key}`, { body, originId });
  expect(told.status).toBe(200);
}

function flightState(key: string): Promise<string> {
  return runInDurableObject(flightOf(key), (_, { storage }) => {
    return storage.kv.get<{ state: { is: string } }>('flight')?.state.is ?? 'gone';
  });
}

test('with every origin silent hits are served, and a miss waits until an origin reports', async () => {
  await report();
  const known = picture();
  const answer = post(known, waiting);
  await complete(await jobs(1));
  expect((await answer).status).toBe(200);
  later(3600);
  expect(await mesh(post(known))).toMatchObject({ status: 'completed', cache: { status: 'hit' } });

  const key = await start();
  expect(network.jobs).toHaveLength(1);
  expect(await statusOf(key)).toBe('queued');
  later(20);
  await ring(key);
  expect(await statusOf(key)).toBe('queued');
  await report('two');
  later(3);
  await ring(key);
  const sent = await jobs(2);
  expect(sent.originId).toBe('two');
  await complete(sent);
  expect(await statusOf(key)).toBe('completed');
});

test('a lease that ran out gives the job to another origin with a higher fence, and either may finish it', async () => {
  await report('one');
  const key = await start();
  const first = await jobs(1);
  await begin(first);
  await report('one');
  await report('two');
  later(15 * 60 + 1);
  await report('one');
  await report('two');
  await ring(key);
  const second = await jobs(2);
  expect(second.originId).toBe('two');
  expect(second.job.fence).toBeGreaterThan(first.job.fence);
  expect(second.job.key).toBe(first.job.key);
  expect((await complete(first)).status).toBe(200);
  expect((await complete(second)).status).toBe(200);
  expect(await statusOf(key)).toBe('completed');
});

test('a job that waits in a deep queue is offered to its origin again, to no other, and never given up for it', async () => {
  await report('one');
  const key = await start();
  for (let offer = 1; offer <= 7; offer++) {
    expect((await jobs(offer)).originId).toBe('one');
    later(15 * 60 + 1);
    await report('one', { queue: { depth: 200, capacity: 256 } });
    await report('two');
    await ring(key);
  }
  expect((await complete(await jobs(8))).status).toBe(200);
  expect(await statusOf(key)).toBe('completed');
});

test('progress renews a lease', async () => {
  await report();
  const key = await start();
  const sent = await jobs(1);
  later(14 * 60);
  await begin(sent);
  later(14 * 60);
  await report();
  await ring(key);
  expect(network.jobs).toHaveLength(1);
});

test('an origin that falls silent loses its job to another; one that was restarted is asked again first', async () => {
  await report('one');
  const key = await start();
  expect((await jobs(1)).originId).toBe('one');
  later(20);
  await report('two');
  await ring(key);
  expect((await jobs(2)).originId).toBe('two');

  later(60);
  await report('one');
  await report('two', { startedAtSeconds: 1_800_000_000 });
  await ring(key);
  expect((await jobs(3)).originId).toBe('two');
});

test('a job that five origins took and failed to finish fails for all who wait', async () => {
  await report();
  const image = picture();
  const key = await start(image);
  for (let attempt = 1; attempt <= 5; attempt++) {
    await begin(await jobs(attempt));
    later(16 * 60);
    await report();
    await ring(key);
  }
  expect(network.jobs).toHaveLength(5);
  const failed = await mesh(call(`/v1/meshes/mesh_${key}`));
  expect(failed).toMatchObject({ status: 'failed', error: { code: 'mesh_failed' } });
  await mesh(post(image));
  await jobs(6);
});

test('a flight that no origin finishes fails after six hours and is forgotten minutes later', async () => {
  const image = picture();
  await report();
  later(3600);
  const key = await start(image);
  later(6 * 3600 + 1);
  expect(await runDurableObjectAlarm(flightOf(key))).toBe(true);
  expect(await statusOf(key)).toBe('failed');
  later(301);
  expect(await runDurableObjectAlarm(flightOf(key))).toBe(true);
  expect(await errorOf(call(`/v1/meshes/mesh_${key}`))).toMatchObject({ status: 404, code: 'mesh_not_found' });
  const left = await runInDurableObject(flightOf(key), async (_, { storage }) => [
    ...(await storage.list()),
    await storage.getAlarm(),
  ]);
  expect(left).toEqual([null]);
});

test('an origin that is full, fails or cannot be reached is passed by for the next', async () => {
  await report('one');
  await report('two');
  for (const fault of [
    () => ({ status: 429, headers: { 'retry-after': '7' } }),
    () => ({ status: 503 }),
    () => ({ status: 500 }),
    () => ({ status: 404, body: { error: { code: 'model_not_found', message: '' } } }),
    () => {
      throw new TypeError('connection refused');
    },
  ]) {
    network.jobs.length = 0;
    const asked: string[] = [];
    network.answer = ({ originId }) => {
      asked.push(originId);
      return asked.length === 1 ? fault() : { status: 202 };
    };
    const key = await start();
    expect(new Set(asked)).toEqual(new Set(['one', 'two']));
    expect(await flightState(key)).toBe('dispatched');
  }
});

test('a flight that every origin refuses comes back after the Retry-After they gave', async () => {
  await report();
  network.answer = () => ({ status: 429, headers: { 'retry-after': '40' } });
  const key = await start();
  const alarm = await runInDurableObject(flightOf(key), (_, state) => state.storage.getAlarm());
  // Polling for the job moves the test's clock on by a few steps of 50 ms.
  expect((alarm ?? 0) - Date.now()).toBeGreaterThan(39_000);
  expect((alarm ?? 0) - Date.now()).toBeLessThanOrEqual(40_000);
  network.answer = () => ({ status: 202 });
  later(41);
  await report();
  await ring(key);
  expect(network.jobs).toHaveLength(2);
});

test('an origin that refuses the picture itself ends the flight at once', async () => {
  await report('one');
  await report('two');
  const error = { code: 'invalid_image', message: 'The PNG is cut off.' };
  network.answer = () => ({ status: 400, body: { error } });
  expect(await errorOf(post(picture(), waiting))).toMatchObject({ status: 400, ...error });
  expect(network.jobs).toHaveLength(1);
});

test('a wake-up that was lost never computes twice: the alarm finds the mesh in R2', async () => {
  await report();
  const key = await start();
  const sent = await jobs(1);
  // The write-back got as far as the manifest, and the Flight never heard of it.
  await complete(sent);
  const manifest = await (await env.STORE.get(`meshes/${key}.json`))?.text();
  await env.STORE.delete(`meshes/${key}.json`);
  await env.MANIFESTS.delete(`meshes/${key}.json`);
  later(3600);
  await report();
  network.jobs.length = 0;
  const again = await start(sent.image);
  expect(again).toBe(key);
  await jobs(1);
  await env.STORE.put(`meshes/${key}.json`, manifest ?? '');
  later(3600);
  await report();
  await ring(key);
  expect(network.jobs).toHaveLength(1);
  expect(await flightState(key)).toBe('gone');
  expect(await statusOf(key)).toBe('completed');
});

test('a flight and those who wait survive a reset of its object', async () => {
  await report();
  const answer = post(picture(), waiting);
  const sent = await jobs(1);
  await vi.waitFor(() => settled(sent.job.key));
  const reset = runInDurableObject(flightOf(sent.job.key), (_, state) => state.abort('a new version'));
  await expect(reset).rejects.toThrow('a new version');
  expect(await statusOf(sent.job.key)).toBe('queued');
  await complete(sent);
  expect(await mesh(answer)).toMatchObject({ status: 'completed', cache: { status: 'miss' } });
});

test('a failure of an earlier lease is not heard, unless the picture is at fault', async () => {
  await report();
  const key = await start();
  const first = await jobs(1);
  later(16 * 60);
  await report();
  await ring(key);
  await jobs(2);
  const fail = (code: 'internal_error' | 'unprocessable_image') =>
    putResult(key, { outcome: 'failed', fence: first.job.fence, failure: { code, message: 'No.' } });
  expect((await fail('internal_error')).status).toBe(200);
  expect(await statusOf(key)).toBe('queued');
  expect((await fail('unprocessable_image')).status).toBe(200);
  expect(await statusOf(key)).toBe('failed');
});

test('a picture that was swept away ends the flight with a message that says so', async () => {
  await report('one');
  later(3600);
  const image = picture();
  const key = await start(image);
  for (const { key: name } of (await env.STORE.list({ prefix: 'inputs/' })).objects) await env.STORE.delete(name);
  later(3);
  await report('one');
  await ring(key);
  // It may be on its way into the store, for all that the flight knows.
  expect(await flightState(key)).toBe('queued');
  later(60);
  await report('one');
  await ring(key);
  const failed = await mesh(call(`/v1/meshes/mesh_${key}`));
  expect(failed.error?.message).toMatch(/no longer stored/);
});

test('a picture is stored by the answer; one of more than 1 MiB before any origin has it', async () => {
  await report();
  const atDispatch: boolean[] = [];
  const isStored = async (image: Uint8Array<ArrayBuffer>) =>
    (await env.STORE.head(`inputs/${await sha256(image)}`)) !== null;
  const images = [picture(), new Uint8Array([...picture(), ...new Uint8Array(1024 * 1024)])];
  for (const [n, image] of images.entries()) {
    network.answer = async (sent) => {
      expect(sent.image).toEqual(image);
      atDispatch.push(await isStored(image));
      return { status: 202 };
    };
    expect((await post(image)).status).toBe(202);
    expect(await isStored(image)).toBe(true);
    await vi.waitFor(() => expect(atDispatch).toHaveLength(n + 1));
  }
  expect(atDispatch[1]).toBe(true);
});

test('jobs go to the origin with the least waiting for each of its lanes', async () => {
  const lane = { device: 'cuda:0', provider: 'cuda', state: 'ready', busySeconds: 0, restarts: 0 } as const;
  await report('one', { queue: { depth: 4, capacity: 64 } });
  await report('two', { queue: { depth: 1, capacity: 64 }, lanes: [lane, lane, lane] });
  for (let n = 1; n <= 11; n++) await start();
  // What was sent counts until the next report: eleven more on three lanes are as many as four on one.
  expect(new Set(network.jobs.map(({ originId }) => originId))).toEqual(new Set(['two']));
  await start();
  await start();
  expect(new Set(network.jobs.slice(11).map(({ originId }) => originId))).toEqual(new Set(['one', 'two']));
});
