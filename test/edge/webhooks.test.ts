import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { call, errorOf, mesh, picture, post } from './client.ts';
import { complete, edgeUrl, fakeNetwork, report, type Network } from './fake-origin.ts';
import { theJob } from './making.ts';
import { testKeys } from './secrets.ts';

type Delivery = {
  id: string;
  status: string;
  attempts: number;
  response_status: number | null;
  next_attempt_at: number;
};
type Page = { data: Delivery[]; has_more: boolean; last_id: string };

let network: Network;
let answer: () => Response;
let posts: { headers: Headers; body: string }[];
const webhooks = () => env.WEBHOOKS.getByName('acme');

beforeEach(async () => {
  network = fakeNetwork();
  posts = [];
  answer = () => new Response(null, { status: 500 });
  const origins = vi.mocked(fetch).getMockImplementation();
  vi.mocked(fetch).mockImplementation(async (input, init) => {
    const request = new Request(input as RequestInfo, init as RequestInit);
    const { hostname } = new URL(request.url);
    if (hostname === 'cloudflare-dns.com') return Response.json({ Answer: [{ type: 1, data: '93.184.215.14' }] });
    if (hostname !== 'hooks.example') return (origins as typeof fetch)(input, init);
    posts.push({ headers: request.headers, body: await request.text() });
    return answer();
  });
  await report();
});
afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  // No alarm of one test may come in the next.
  await runInDurableObject(webhooks(), (_, state) => state.storage.deleteAlarm());
});

const fields = { webhook_url: 'https://hooks.example/a' };

async function deliveries(query = ''): Promise<Page> {
  return (await call(`/v1/webhook_deliveries${query}`)).json<Page>();
}

/** A delivery whose first attempt failed. */
async function failedOnce(): Promise<Delivery> {
  const image = picture();
  await post(image);
  expect((await complete(await theJob(network))).status).toBe(200);
  await post(image, { fields });
  return vi.waitFor(async () => {
    const [latest] = (await deliveries('?limit=1')).data;
    if (latest?.attempts !== 1) throw new Error('not tried yet');
    return latest;
  });
}

/** Moves the clock to the next attempt and lets it happen. */
async function attemptAgain(): Promise<Delivery> {
  const [waiting] = (await deliveries('?limit=1')).data;
  vi.useFakeTimers({ toFake: ['Date'], now: (waiting?.next_attempt_at ?? 0) * 1000 });
  await runDurableObjectAlarm(webhooks());
  return (await deliveries('?limit=1')).data[0] as Delivery;
}

test('a receiver that never takes an event is tried eight times in nine hours', async () => {
  const begun = Date.now();
  let latest = await failedOnce();
  for (let attempt = 2; attempt <= 8; attempt++) latest = await attemptAgain();
  expect(latest).toMatchObject({ status: 'failed', attempts: 8, response_status: 500, next_attempt_at: null });
  expect(Math.round((Date.now() - begun) / 3_600_000)).toBe(9);
  expect(new Set(posts.map(({ headers }) => headers.get('webhook-id'))).size).toBe(1);
  expect(new Set(posts.map(({ body }) => body)).size).toBe(1);
  // Each attempt is signed at its own time, since receivers refuse what is older than five minutes.
  expect(new Set(posts.map(({ headers }) => headers.get('webhook-timestamp'))).size).toBe(8);
});

test('a receiver that asks for a pause gets it, up to an hour', async () => {
  answer = () => new Response(null, { status: 429, headers: { 'retry-after': '900' } });
  const first = await failedOnce();
  expect(first.next_attempt_at * 1000 - Date.now()).toBeGreaterThan(800_000);
  answer = () => new Response(null, { status: 429, headers: { 'retry-after': '999999' } });
  const second = await attemptAgain();
  expect(Math.round(second.next_attempt_at - Date.now() / 1000)).toBe(3600);
});

test('a receiver that is gone hears no more, nor does one after a day', async () => {
  answer = () => new Response(null, { status: 410 });
  const image = picture();
  await post(image);
  await complete(await theJob(network));
  await post(image, { fields });
  await vi.waitFor(async () => {
    const [latest] = (await deliveries('?limit=1')).data;
    expect(latest).toMatchObject({ status: 'failed', attempts: 1, response_status: 410 });
  });

  answer = () => new Response(null, { status: 500 });
  network.jobs.length = 0;
  await failedOnce();
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 25 * 3_600_000 });
  await runDurableObjectAlarm(webhooks());
  expect((await deliveries('?limit=1')).data[0]).toMatchObject({ status: 'failed', attempts: 2 });
});

test('an end that no flight could tell is found by looking', async () => {
  answer = () => new Response();
  const posted = await mesh(post(picture(), { fields }));
  const sent = await theJob(network);
  // As after a crash between the flight's end and its word of it.
  await runInDurableObject(env.FLIGHT.getByName(sent.job.key), (_, state) => state.storage.kv.delete('watcher:acme'));
  expect((await complete(sent)).status).toBe(200);
  expect(posts).toHaveLength(0);
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_000 });
  await runDurableObjectAlarm(webhooks());
  await runDurableObjectAlarm(webhooks());
  await vi.waitFor(() => expect(posts).toHaveLength(1));
  expect(JSON.parse(posts[0]?.body ?? '')).toMatchObject({ type: 'mesh.completed', data: { id: posted.id } });
});

test('a mesh of which nothing is known any more is told of as failed', async () => {
  answer = () => new Response();
  const posted = await mesh(post(picture(), { fields }));
  const { job } = await theJob(network);
  await runInDurableObject(env.FLIGHT.getByName(job.key), (_, state) => state.storage.deleteAll());
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_000 });
  await runDurableObjectAlarm(webhooks());
  await runDurableObjectAlarm(webhooks());
  await vi.waitFor(() => expect(posts).toHaveLength(1));
  const body = JSON.parse(posts[0]?.body ?? '') as object;
  expect(body).toMatchObject({ type: 'mesh.failed', data: { id: posted.id, error: { code: 'mesh_not_found' } } });
});

test('the same request twice is told of once', async () => {
  answer = () => new Response();
  const image = picture();
  await post(image, { fields });
  await post(image, { fields });
  await complete(await theJob(network));
  await vi.waitFor(() => expect(posts).toHaveLength(1));
  const { total } = await runInDurableObject(webhooks(), (_, state) =>
    state.storage.sql.exec<{ total: number }>("SELECT count(*) AS total FROM deliveries WHERE state = 'pending'").one(),
  );
  expect(total).toBe(0);
});

test('deliveries come in pages, the newest first, and are a tenant’s own', async () => {
  answer = () => new Response();
  const image = picture();
  await post(image);
  await complete(await theJob(network));
  for (let i = 0; i < 3; i++) await post(image, { fields });
  const first = await deliveries('?limit=2');
  expect([first.data.length, first.has_more]).toEqual([2, true]);
  const next = await deliveries(`?limit=2&after=${first.last_id}`);
  expect(next.data.map(({ id }) => id)).not.toContain(first.last_id);
  const others = await call(`/v1/webhook_deliveries?after=${first.last_id}`, { key: testKeys.globex });
  expect(await errorOf(others)).toMatchObject({ status: 400, param: 'after' });
  for (const query of ['?limit=0', '?limit=101', '?limit=x', '?after=x', '?page=2']) {
    expect((await call(`/v1/webhook_deliveries${query}`)).status).toBe(400);
  }
});

test('each tenant has a secret of its own, which needs a key', async () => {
  const secretOf = async (key: string) => (await call('/v1/webhook_secret', { key })).json<{ secret: string }>();
  const { secret } = await secretOf(testKeys.acme);
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect((await secretOf(testKeys.acme)).secret).toBe(secret);
  expect((await secretOf(testKeys.globex)).secret).not.toBe(secret);
  expect((await exports.default.fetch(`${edgeUrl}/v1/webhook_secret`)).status).toBe(401);
});

test('more than 10,000 open webhooks are refused with a pause', async () => {
  await runInDurableObject(webhooks(), (_, state) =>
    state.storage.sql.exec(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
       INSERT INTO watches SELECT 'full', 'https://hooks.example/' || i, '{}', 0, 9e15 FROM n`,
    ),
  );
  const full = await post(picture(), { fields });
  expect(full.headers.get('retry-after')).toBe('60');
  expect(await errorOf(full)).toMatchObject({ status: 429, code: 'rate_limit_exceeded' });
  await runInDurableObject(webhooks(), (_, state) => state.storage.sql.exec("DELETE FROM watches WHERE key = 'full'"));
});

test.each([
  'http://hooks.example/',
  'https://127.0.0.1/',
  'https://hooks.example:444/',
  'https://a@hooks.example/',
  'x',
])('the webhook_url %s is refused', async (webhook_url) => {
  const refused = { status: 400, code: 'invalid_parameter', param: 'webhook_url' };
  expect(await errorOf(post(picture(), { fields: { webhook_url } }))).toMatchObject(refused);
  expect(network.jobs).toHaveLength(0);
});

test('the event of a request that joined a flight says so, and that of the one that started it says miss', async () => {
  answer = () => new Response(null, { status: 200 });
  const image = picture();
  const { id } = await mesh(post(image, { fields: { webhook_url: 'https://hooks.example/first' } }));
  await post(image, { fields: { webhook_url: 'https://hooks.example/second' } });
  expect((await complete(await theJob(network))).status).toBe(200);
  // Events of other tests may still be on their way.
  type Told = { data: { id: string; cache: { status: string } } };
  const told = () => posts.map(({ body }) => (JSON.parse(body) as Told).data).filter((data) => data.id === id);
  await vi.waitFor(async () => {
    await runDurableObjectAlarm(webhooks());
    expect(told()).toHaveLength(2);
  });
  expect(
    told()
      .map(({ cache }) => cache.status)
      .toSorted(),
  ).toEqual(['joined', 'miss']);
});
