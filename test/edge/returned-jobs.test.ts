import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { call, errorOf, mesh, picture, post } from './client.ts';
import { complete, fakeNetwork, originCall, report, type Network, type OriginId, type SentJob } from './fake-origin.ts';

let network: Network;
let clock = Date.now();

beforeEach(() => {
  network = fakeNetwork();
  // Past what an earlier test left in the isolate, and alive in the Fleet.
  vi.useFakeTimers({ toFake: ['Date'], now: (clock += 120_000) });
});
afterEach(() => {
  clock = Date.now();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const waiting = { headers: { prefer: 'wait=30' } };

const jobs = (count: number) =>
  vi.waitFor(() => {
    expect(network.jobs).toHaveLength(count);
    return network.jobs.at(-1) as SentJob;
  });

/** Offers a job back as the origin that has it, or another. */
function giveBack({ job, originId }: SentJob, as: OriginId = originId): Promise<Response> {
  const body = JSON.stringify({ fence: job.fence });
  return originCall('POST', `/origin/returns/${job.key}`, { body, originId: as });
}

test('a job that an origin hands back goes to another at once, with a higher fence, and is made once', async () => {
  await report('one');
  const answer = post(picture(), waiting);
  const first = await jobs(1);
  // Until its picture is stored, no other origin can be sent it.
  await vi.waitFor(async () => expect(await env.STORE.head(`inputs/${first.job.imageSha256}`)).not.toBeNull());
  vi.setSystemTime(Date.now() + 3000); // past what the isolate remembers of the fleet
  await report('two');
  expect(await (await giveBack(first)).json()).toEqual({ taken: true });
  const second = await jobs(2);
  expect(second.originId).toBe('two');
  expect(second.job.fence).toBeGreaterThan(first.job.fence);
  expect(await (await giveBack(first)).json()).toEqual({ taken: true }); // a repeat changes nothing
  await complete(second);
  expect(await mesh(answer)).toMatchObject({ status: 'completed' });
  expect(network.jobs).toHaveLength(2);
  expect(await errorOf(giveBack(second))).toMatchObject({ status: 410, code: 'mesh_withdrawn' });
});

test('a job that no other origin can take stays with the one that has it', async () => {
  await report('one');
  const answer = post(picture(), waiting);
  const sent = await jobs(1);
  await report('two', { models: [] });
  expect(await (await giveBack(sent)).json()).toEqual({ taken: false });
  await complete(sent);
  expect(await mesh(answer)).toMatchObject({ status: 'completed' });
  expect(network.jobs).toHaveLength(1);
});

test('an origin cannot hand back what another has', async () => {
  await report('one');
  await report('two', { models: [] });
  const answer = post(picture(), waiting);
  const sent = await jobs(1);
  expect(await errorOf(giveBack(sent, 'two'))).toMatchObject({ status: 403, code: 'not_leased' });
  expect(await mesh(call(`/v1/meshes/mesh_${sent.job.key}`))).toMatchObject({ status: 'queued' });
  expect(network.jobs).toHaveLength(1);
  await complete(sent);
  expect((await answer).status).toBe(200);
});
