import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, test, vi } from 'vitest';
import { sha256 } from '../../contract/digest.ts';
import { keyOfMeshId } from '../../contract/key.ts';
import { parseLimitSettings } from '../../edge/tenant/limit-settings.ts';
import { Tenant } from '../../edge/tenant/tenant.ts';
import { call, errorOf, mesh, picture, post } from './client.ts';
import { complete, networkOfEachTest, putResult, report, type SentJob } from './fake-origin.ts';
import { theJob } from './making.ts';
import { testKeys } from './secrets.ts';

const network = networkOfEachTest();
let tenants = 0;

const reservedMs = Number(env.GPU_MS_RESERVED_PER_MISS);
const overBudget = { status: 429, code: 'insufficient_quota' };
const tooMany = { status: 429, code: 'rate_limit_exceeded' };

type Limits = { gpu_ms_per_day?: number | null; concurrent_misses?: number | null };

function send(method: string, path: string, body: unknown): Promise<Response> {
  return call(path, { method, key: testKeys.admin, body: JSON.stringify(body) });
}

/** A tenant of its own with these limits. */
async function tenantWith(limits: Limits): Promise<string> {
  const name = `tenant-${++tenants}`;
  const answer = await send('PUT', `/admin/tenants/${name}/limits`, {
    gpu_ms_per_day: null,
    concurrent_misses: null,
    ...limits,
  });
  expect(answer.status).toBe(200);
  return name;
}

async function keyOf(tenant: string, limits: Limits = {}): Promise<string> {
  return (await (await send('POST', '/admin/keys', { tenant, ...limits })).json<{ key: string }>()).key;
}

const remaining = (answer: Response) => Number(answer.headers.get('x-ratelimit-remaining-gpu-ms') ?? NaN);

/** Asks for a new mesh and gives what remains of the budget after it. */
async function miss(key: string): Promise<{ id: string; remainingMs: number; sent: SentJob }> {
  network.jobs.length = 0;
  const answer = await post(picture(), { key });
  expect(answer.status).toBe(202);
  return { id: (await mesh(answer.clone())).id, remainingMs: remaining(answer), sent: await theJob(network) };
}

test('of 100 misses at once, a budget that reserves for 10 lets exactly 10 through', async () => {
  const tenant = await tenantWith({ gpu_ms_per_day: 10 * reservedMs });
  const keys = await Promise.all(Array.from({ length: 5 }, () => keyOf(tenant)));
  const codes = await Promise.all(
    Array.from({ length: 100 }, async (_, n) => {
      const answer = await post(picture(), { key: keys[n % keys.length] ?? '' });
      return answer.ok ? 'accepted' : (await errorOf(answer)).code;
    }),
  );
  expect(codes.toSorted()).toEqual([...Array(10).fill('accepted'), ...Array(90).fill('insufficient_quota')]);
  await vi.waitFor(() => expect(network.jobs).toHaveLength(10), 20_000);
});

test('of 1,000 reserves at once, a budget for 100 grants exactly 100', async () => {
  const tenant = await tenantWith({ gpu_ms_per_day: 100 * reservedMs, concurrent_misses: 1000 });
  const account = { id: 'key', gpuMsPerDay: null, concurrentMissesMax: null };
  const reserve = (n: number) =>
    env.TENANT.getByName(tenant).reserve({ id: `reserve ${n}`, tenant, flight: `flight ${n}`, account });
  const answers = await Promise.all(Array.from({ length: 1000 }, (_, n) => reserve(n)));
  const granted = answers.filter(({ is }) => is === 'reserved').length;
  expect([granted, answers.filter(({ is }) => is === 'over_budget').length]).toEqual([100, 900]);
});

test('a miss tells what remains, is charged what it cost, and hits are free', async () => {
  const tenant = await tenantWith({ gpu_ms_per_day: 10 * reservedMs });
  const key = await keyOf(tenant);
  const image = picture();
  const answer = await post(image, { key });
  const seconds = Number(/;t=(\d+)/.exec(answer.headers.get('ratelimit') ?? '')?.[1]);
  expect(seconds).toBeLessThanOrEqual(86_400);
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    'ratelimit-policy': `"gpu-ms";q=${10 * reservedMs};w=86400`,
    ratelimit: `"gpu-ms";r=${9 * reservedMs};t=${seconds}`,
    'x-ratelimit-limit-gpu-ms': String(10 * reservedMs),
    'x-ratelimit-remaining-gpu-ms': String(9 * reservedMs),
    'x-ratelimit-reset-gpu-ms': `${seconds}s`,
  });
  await complete(await theJob(network), { gpuMs: 250 });
  const hit = await post(image, { key });
  expect([hit.status, hit.headers.has('ratelimit')]).toEqual([200, false]);
  expect((await miss(key)).remainingMs).toBe(9 * reservedMs - 250);
});

test('a spent budget ends misses until the next day begins, and no hits', async () => {
  const key = await keyOf(await tenantWith({ gpu_ms_per_day: reservedMs }));
  const image = picture();
  await post(image, { key });
  await complete(await theJob(network), { gpuMs: 1 });
  const unpaid = picture();
  const refused = await post(unpaid, { key });
  const seconds = Number(refused.headers.get('retry-after'));
  expect(seconds).toBe(Number(/;t=(\d+)/.exec(refused.headers.get('ratelimit') ?? '')?.[1]));
  expect(refused.headers.get('x-should-retry')).toBe('false');
  expect(await errorOf(refused)).toMatchObject(overBudget);
  expect(await env.STORE.head(`inputs/${await sha256(unpaid)}`)).toBeNull();
  expect((await post(image, { key })).status).toBe(200);
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000 });
  await report();
  expect((await miss(key)).remainingMs).toBe(0);
});

test.each<[string, (sent: SentJob, key: string, id: string) => Promise<Response>]>([
  ['fails', ({ job }) => putResult(job.key, { outcome: 'failed', fence: job.fence, failure })],
  ['is cancelled', (_, key, id) => call(`/v1/meshes/${id}/cancel`, { method: 'POST', key })],
  ['is purged', (_, __, id) => send('POST', '/admin/purge', { id })],
])('the reserve of a flight that %s is free again', async (_how, end) => {
  const key = await keyOf(await tenantWith({ gpu_ms_per_day: reservedMs }));
  const { id, sent } = await miss(key);
  expect(await errorOf(post(picture(), { key }))).toMatchObject(overBudget);
  expect((await end(sent, key, id)).status).toBe(200);
  await vi.waitFor(async () => expect((await post(picture(), { key })).status).toBe(202));
});

const failure = { code: 'unprocessable_image', message: 'nothing in it' } as const;

test('who joins a flight pays nothing, be it another tenant or the same one at the same moment', async () => {
  const payer = await keyOf(await tenantWith({ gpu_ms_per_day: reservedMs, concurrent_misses: 1 }));
  const guest = await keyOf(await tenantWith({ gpu_ms_per_day: 0 }));
  const image = picture();
  const answers = await Promise.all(Array.from({ length: 5 }, () => post(image, { key: payer })));
  expect(answers.map(({ status }) => status)).toEqual(Array(5).fill(202));
  expect((await post(image, { key: guest })).status).toBe(202);
  expect(await errorOf(post(picture(), { key: guest }))).toMatchObject(overBudget);
});

test.each<[string, Limits, { status: number; code: string }]>([
  ['a spent budget', { gpu_ms_per_day: 0 }, overBudget],
  ['no free place', { concurrent_misses: 0 }, tooMany],
])('a miss that is refused for %s stores no picture', async (_why, limits, problem) => {
  const key = await keyOf(await tenantWith(limits));
  const image = picture();
  expect(await errorOf(post(image, { key }))).toMatchObject(problem);
  const name = `inputs/${await sha256(image)}`;
  expect(await env.STORE.head(name)).toBeNull();
  expect((await post(image, { key: await keyOf(await tenantWith({})) })).status).toBe(202);
  expect(await env.STORE.head(name)).not.toBeNull();
});

test('a request that its tenant may not pay for leaves the flight to the next who asks', async () => {
  const poor = await keyOf(await tenantWith({ gpu_ms_per_day: 0 }));
  const rich = await keyOf(await tenantWith({}));
  const image = picture();
  const [refused, accepted] = await Promise.all([post(image, { key: poor }), post(image, { key: rich })]);
  expect(accepted.status).toBe(202);
  expect([202, 429]).toContain(refused.status);
});

test('so many misses at once and no more', async () => {
  const key = await keyOf(await tenantWith({ concurrent_misses: 2 }));
  const { sent } = await miss(key);
  await miss(key);
  const refused = await post(picture(), { key });
  expect(refused.headers.get('retry-after')).toBe('5');
  expect(await errorOf(refused)).toMatchObject(tooMany);
  await complete(sent);
  await vi.waitFor(async () => expect((await post(picture(), { key })).status).toBe(202));
});

test("a key's own limits bound that key alone", async () => {
  const tenant = await tenantWith({});
  const bounded = await keyOf(tenant, { gpu_ms_per_day: reservedMs });
  const single = await keyOf(tenant, { concurrent_misses: 1 });
  expect((await miss(bounded)).remainingMs).toBe(0);
  expect(await errorOf(post(picture(), { key: bounded }))).toMatchObject(overBudget);
  await miss(single);
  expect(await errorOf(post(picture(), { key: single }))).toMatchObject(tooMany);
  await miss(await keyOf(tenant));
});

test('keys that are unlimited pay nothing, and what they cost is counted', async () => {
  await send('PUT', '/admin/tenants/acme/limits', { gpu_ms_per_day: 100, concurrent_misses: 0 });
  const { sent, remainingMs } = await miss(testKeys.acme);
  expect(remainingMs).toBeNaN();
  await complete(sent, { gpuMs: 60 });
});

test('limits that nobody set are those of wrangler.toml', async () => {
  const settings = parseLimitSettings(env);
  const limits = async (tenant: string) =>
    (await call(`/admin/tenants/${tenant}/limits`, { key: testKeys.admin })).json();
  expect(await limits('nobody')).toEqual({
    object: 'tenant.limits',
    tenant: 'nobody',
    gpu_ms_per_day: settings.tenant.gpuMsPerDay,
    concurrent_misses: settings.tenant.concurrentMissesMax,
  });
  expect(await limits('anonymous')).toMatchObject({ gpu_ms_per_day: settings.anonymous.gpuMsPerDay });
  expect(await errorOf(call('/admin/tenants/shared/limits', { key: testKeys.admin }))).toMatchObject({ status: 400 });
  expect(() => parseLimitSettings({ ...env, TENANT_GPU_MS_PER_DAY: 'much' })).toThrow(/TENANT_GPU_MS_PER_DAY/);
});

/** Lets the tenant look after reserves that are older than a minute. */
async function lookAfter(tenant: string): Promise<void> {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61_000 });
  await report();
  expect(await runDurableObjectAlarm(env.TENANT.getByName(tenant))).toBe(true);
}

test('a charge that was lost is made up for from the mesh, and one of a flight that never began is let go', async () => {
  const tenant = await tenantWith({ gpu_ms_per_day: 10 * reservedMs });
  const key = await keyOf(tenant);
  const { sent } = await miss(key);
  vi.spyOn(console, 'warn').mockReturnValue();
  const lost = vi.spyOn(Tenant.prototype, 'settle').mockImplementation(() => {
    throw new Error('the Tenant object was reset');
  });
  expect((await complete(sent, { gpuMs: 300 })).status).toBe(200);
  await vi.waitFor(() => expect(lost).toHaveBeenCalled());
  lost.mockRestore();
  const flying = await miss(key);
  expect(flying.remainingMs).toBe(8 * reservedMs);
  const orphan = { id: 'orphan', tenant, flight: '0'.repeat(64), account: null };
  await env.TENANT.getByName(tenant).reserve({
    ...orphan,
    account: { id: 'a', gpuMsPerDay: null, concurrentMissesMax: null },
  });
  await lookAfter(tenant);
  // Of what was reserved, only the flight that lives is.
  expect((await miss(key)).remainingMs).toBe(8 * reservedMs - 300);
  expect(keyOfMeshId(flying.id)).toBe(flying.sent.job.key);
});

test('the alarm for a reserve that was settled looks after the next one, too', async () => {
  const tenant = await tenantWith({});
  const object = env.TENANT.getByName(tenant);
  const account = { id: 'a', gpuMsPerDay: null, concurrentMissesMax: 1 };
  const alarm = () => runInDurableObject(object, (_, state) => state.storage.getAlarm());
  const reserve = (id: string) => object.reserve({ id, tenant, flight: '0'.repeat(64), account });
  const startMs = Date.now();
  vi.useFakeTimers({ toFake: ['Date'], now: startMs });
  expect(await reserve('first')).toMatchObject({ is: 'reserved' });
  await object.settle({ id: 'first', gpuMs: 1 });
  vi.setSystemTime(startMs + 20_000);
  expect(await reserve('second')).toMatchObject({ is: 'reserved' });
  expect(await alarm()).toBe(startMs + 60_000);
  vi.setSystemTime(startMs + 60_000);
  expect(await runDurableObjectAlarm(object)).toBe(true);
  expect(await reserve('third')).toMatchObject({ is: 'too_many' });
  expect(await alarm()).toBe(startMs + 80_000);
  vi.setSystemTime(startMs + 80_000);
  expect(await runDurableObjectAlarm(object)).toBe(true);
  expect(await reserve('third')).toMatchObject({ is: 'reserved' });
});
