import { env } from 'cloudflare:workers';
import { expect, test, vi } from 'vitest';
import { call, errorOf, picture, post } from './client.ts';
import { complete, networkOfEachTest } from './fake-origin.ts';
import { theJob } from './making.ts';
import { testKeys } from './secrets.ts';

const network = networkOfEachTest();

const today = new Date().toISOString().slice(0, 10);

async function keyOf(tenant: string): Promise<string> {
  const body = JSON.stringify({ tenant });
  const answer = await call('/admin/keys', { method: 'POST', key: testKeys.admin, body });
  return (await answer.json<{ key: string }>()).key;
}

async function usage(key: string, query = '') {
  const answer = await call(`/v1/usage${query}`, { key });
  return answer.json<{ start_date: string; end_date: string; data: Record<string, unknown>[] }>();
}

test('the ledger has what a tenant asked for, spent and saved, and nothing of another', async () => {
  const [maker, guest] = [await keyOf('maker'), await keyOf('guest')];
  const image = picture();
  await post(image, { key: maker });
  await post(image, { key: guest });
  await complete(await theJob(network), { gpuMs: 40 });
  for (let n = 0; n < 3; n++) expect((await post(image, { key: guest })).status).toBe(200);
  await vi.waitFor(async () => {
    const { data } = await usage(guest);
    expect(data[0]).toMatchObject({ date: today, misses: 0, joined: 1, gpu_ms_spent: 0, gpu_ms_saved: 120 });
    expect(data[0]?.requests).toBeGreaterThanOrEqual(4);
    const hits = data[0]?.hits as Record<string, number>;
    expect((hits.memory ?? 0) + (hits.kv ?? 0) + (hits.r2 ?? 0)).toBe(3);
    const made = (await usage(maker)).data;
    expect(made).toMatchObject([{ misses: 1, joined: 0, gpu_ms_spent: 40, gpu_ms_saved: 0 }]);
  }, 10_000);
  expect((await usage(await keyOf('idle'))).data).toEqual([]);
});

test('a batch that is delivered twice counts once, and a range has its days alone', async () => {
  const key = await keyOf('ranger');
  const counts = { requests: 2, hitsMemory: 1, hitsKv: 0, hitsR2: 0, misses: 0, joined: 0, gpuMsSaved: 5 };
  const tenant = env.TENANT.getByName('ranger');
  for (const [sequence, date] of [
    [1, '2026-01-30'],
    [1, '2026-01-30'],
    [2, '2026-01-31'],
    [3, '2026-02-01'],
  ] as const) {
    await tenant.takeUsage({ counts, atMs: Date.parse(date), id: { recorder: 'isolate', sequence } });
  }
  const { data } = await usage(key, '?start_date=2026-01-30&end_date=2026-01-31');
  expect(data.map(({ date, requests }) => [date, requests])).toEqual([
    ['2026-01-30', 2],
    ['2026-01-31', 2],
  ]);
  expect(await usage(key, '?end_date=2026-02-01')).toMatchObject({ start_date: '2026-01-03', end_date: '2026-02-01' });
});

test.each([
  ['start_date=x', 'start_date'],
  ['start_date=2026-02-02&end_date=2026-02-01', 'start_date'],
  ['start_date=2024-01-01&end_date=2026-01-01', 'start_date'],
  ['day=1', 'day'],
])('a range of %s is refused', async (query, param) => {
  expect(await errorOf(call(`/v1/usage?${query}`))).toMatchObject({ status: 400, param });
});
