import { createExecutionContext, evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createApp } from '../../edge/app.ts';
import { counterKey } from '../../edge/stats/counts.ts';
import { DashboardData, type DashboardRange } from '../../contract/dashboard-data.ts';
import { bucketOf, latencyBoundsMs } from '../../edge/stats/latency.ts';
import { theStats, type StatsBatch } from '../../edge/stats/calls.ts';
import { call, errorOf, mesh, picture, post } from './client.ts';
import { parseExposition } from '../exposition.ts';
import { meshManifest } from '../mesh-manifest.ts';
import { complete, edgeUrl, fakeNetwork, putResult, report, type Network, type SentJob } from './fake-origin.ts';
import { testKeys } from './secrets.ts';

let network: Network;

beforeEach(() => {
  network = fakeNetwork();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const admin = { key: testKeys.admin };
const waiting = { headers: { prefer: 'wait=30' } };
const hourMs = 3600_000;

async function dashboard(range: DashboardRange = '1h'): Promise<DashboardData> {
  const answer = await call(`/dashboard/data?range=${range}`, admin);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  return DashboardData.parse(await answer.json());
}

async function scrape(): Promise<Map<string, number>> {
  const answer = await call('/metrics', admin);
  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  return parseExposition(await answer.text()).series;
}

/** How much the series have grown since `before`, once they have grown by `expected` in all that it names. */
async function grown(before: ReadonlyMap<string, number>, expected: Record<string, number>): Promise<void> {
  await vi.waitFor(
    async () => {
      const now = await scrape();
      const growth = Object.keys(expected).map((name) => [name, (now.get(name) ?? 0) - (before.get(name) ?? 0)]);
      expect(Object.fromEntries(growth)).toEqual(expected);
    },
    { timeout: 10_000, interval: 300 },
  );
}

async function nextJob(): Promise<SentJob> {
  const sent = await vi.waitFor(() => network.jobs[0] ?? Promise.reject(new Error('no job yet')));
  network.jobs.length = 0;
  return sent;
}

const batchOf = (counts: StatsBatch['counts'], beganAtMs = Date.now()): StatsBatch => ({
  beganAtMs,
  counts,
  flights: new Map(),
  failures: [],
});

test('with no data the dashboard has its steps, zeros, and null where nothing was measured', async () => {
  for (const [range, steps] of [
    ['1h', 60],
    ['24h', 96],
    ['7d', 168],
  ] as const) {
    const data = await dashboard(range);
    expect(data.timeline.at).toHaveLength(steps);
    expect(data.timeline.at.at(-1)).toBeLessThanOrEqual(data.generated_at);
    expect((data.timeline.at.at(-1) ?? 0) + data.step_seconds).toBeGreaterThan(data.generated_at);
    expect(data.timeline.misses).toEqual(Array(steps).fill(0));
    expect(data.timeline.hit_ratio).toEqual(Array(steps).fill(null));
    expect(data.timeline.latency.hit.p99_ms).toEqual(Array(steps).fill(null));
    expect(data.summary).toMatchObject({ hits: 0, hit_ratio: null, money: null, flights: { open: 0 } });
    expect([data.origins, data.top_meshes, data.failures]).toEqual([[], [], []]);
  }
  expect(await errorOf(call('/dashboard/data?range=2h', admin))).toMatchObject({ status: 400, param: 'range' });
  expect(await errorOf(call('/dashboard/data'))).toMatchObject({ status: 403, code: 'insufficient_scope' });
});

test('a miss, who joins it, its hits, its downloads and an error are each counted as what they were', async () => {
  await report();
  const before = await scrape();
  const image = picture();
  const [first, second] = [post(image, waiting), post(image, waiting)];
  const sent = await nextJob();
  await vi.waitFor(async () => expect((await call(`/v1/meshes/mesh_${sent.job.key}`)).status).toBe(200));
  await complete(sent, { gpuMs: 40 });
  const statuses = await Promise.all([first, second].map(async (answer) => (await mesh(answer)).cache.status));
  expect(statuses.toSorted()).toEqual(['joined', 'miss']);
  const hit = await mesh(post(image));
  await post(image);
  expect(hit.cache).toMatchObject({ status: 'hit', saved_gpu_ms: 40 });
  const tier = hit.cache.tier;
  const path = new URL(hit.asset?.url ?? '').pathname;
  const bytes = (await (await call(path)).arrayBuffer()).byteLength;
  await (await call(path)).arrayBuffer();
  await (await call(path, { headers: { range: 'bytes=0-9' } })).arrayBuffer();
  await call(path, { headers: { 'if-none-match': `"${hit.asset?.sha256}"` } });
  await call(path, { method: 'HEAD' });
  await call(path, { headers: { range: 'bytes=999999999-' } });
  await call(`/assets/${'0'.repeat(64)}.glb`);
  await post(image, { fields: { colour: 'red' } });
  await call('/no/such/path?and=more');

  await grown(before, {
    'meshkiln_edge_meshes_total{cache="miss",tier="none"}': 1,
    'meshkiln_edge_meshes_total{cache="joined",tier="none"}': 1,
    [`meshkiln_edge_meshes_total{cache="hit",tier="${tier}"}`]: tier === 'memory' ? 2 : 1,
    meshkiln_edge_saved_gpu_seconds_total: 0.08,
    meshkiln_edge_spent_gpu_seconds_total: 0.04,
    'meshkiln_edge_mesh_seconds_count{cache="hit"}': 2,
    'meshkiln_edge_mesh_seconds_count{cache="miss"}': 1,
    meshkiln_edge_flights_started_total: 1,
    'meshkiln_edge_flights_ended_total{outcome="completed"}': 1,
    'meshkiln_edge_write_backs_total{outcome="stored"}': 1,
    'meshkiln_edge_requests_total{method="POST",route="/v1/meshes",status="200"}': 4,
    'meshkiln_edge_requests_total{method="POST",route="/v1/meshes",status="400"}': 1,
    'meshkiln_edge_requests_total{method="GET",route="/assets/:file",status="200"}': 2,
    'meshkiln_edge_requests_total{method="GET",route="/assets/:file",status="416"}': 1,
    'meshkiln_edge_requests_total{method="HEAD",route="/assets/:file",status="200"}': 1,
    'meshkiln_edge_requests_total{method="GET",route="other",status="404"}': 1,
    'meshkiln_edge_errors_total{code="unknown_parameter"}': 1,
    'meshkiln_edge_errors_total{code="range_not_satisfiable"}': 1,
    'meshkiln_edge_errors_total{code="not_found"}': 2,
    'meshkiln_edge_assets_total{tier="none",status="404"}': 1,
    'meshkiln_edge_assets_total{tier="r2",status="200"}': 1,
    'meshkiln_edge_assets_total{tier="memory",status="206"}': 1,
    'meshkiln_edge_assets_total{tier="memory",status="304"}': 1,
    'meshkiln_edge_assets_total{tier="memory",status="200"}': 2,
    'meshkiln_edge_asset_bytes_total{tier="r2"}': bytes,
    'meshkiln_edge_asset_bytes_total{tier="memory"}': bytes + 10,
    meshkiln_edge_flights_open: 0,
  });
  const { summary, timeline, top_meshes: top, requests_by_route: routes } = await dashboard();
  expect(summary).toMatchObject({ hits: 2, misses: 1, joined: 1, hit_ratio: 0.5, gpu_ms_saved: 80, gpu_ms_spent: 40 });
  expect(summary.latency.miss).toMatchObject({ count: 1, p50_ms: expect.any(Number) });
  expect(timeline.asset_bytes.reduce((sum, step) => sum + step)).toBe(2 * bytes + 10);
  expect(routes).toContainEqual({ method: 'POST', route: '/v1/meshes', status: '400', count: 1 });
  await vi.waitFor(async () => expect((await dashboard()).top_meshes[0]).toMatchObject({ id: hit.id, gpu_ms: 40 }));
  expect(top).toHaveLength(1);
});

test('a flight is open until it ends, and one that failed is among the failures with its cause', async () => {
  await report();
  const before = await scrape();
  const { id } = await mesh(post(picture()));
  const sent = await nextJob();
  await grown(before, { meshkiln_edge_flights_open: 1, meshkiln_edge_flights_started_total: 1 });
  const failure = { code: 'unprocessable_image', message: 'There is nothing to see.' } as const;
  await putResult(sent.job.key, { outcome: 'failed', fence: sent.job.fence, failure }, sent.originId);
  await grown(before, {
    meshkiln_edge_flights_open: 0,
    'meshkiln_edge_flights_ended_total{outcome="failed"}': 1,
    'meshkiln_edge_write_backs_total{outcome="failed"}': 1,
  });
  expect((await dashboard()).failures[0]).toMatchObject({ ...failure, mesh: id, cause: null });
});

test('a flight that two results end at once is counted once', async () => {
  await report();
  const before = await scrape();
  expect((await post(picture())).status).toBe(202);
  const { job } = await nextJob();
  const manifest = meshManifest('1', { key: job.key });
  const flight = env.FLIGHT.getByName(job.key);
  await runInDurableObject(flight, (object) => Promise.all([object.finish(manifest), object.finish(manifest)]));
  await grown(before, {
    meshkiln_edge_flights_started_total: 1,
    'meshkiln_edge_flights_ended_total{outcome="completed"}': 1,
  });
});

test('a batch that is delivered twice counts once, and what was taken survives the object', async () => {
  const key = counterKey('errors', ['only_here']);
  const series = 'meshkiln_edge_errors_total{code="only_here"}';
  const id = { recorder: 'a test', sequence: 1 };
  await theStats(env.STATS).take(batchOf(new Map([[key, 7]])), id);
  await theStats(env.STATS).take(batchOf(new Map([[key, 7]])), id);
  expect((await scrape()).get(series)).toBe(7);
  await evictDurableObject(env.STATS.getByName('stats'));
  await theStats(env.STATS).take(batchOf(new Map([[key, 7]])), id);
  expect((await scrape()).get(series)).toBe(7);
  await theStats(env.STATS).take(batchOf(new Map([[key, 1]])), { ...id, sequence: 2 });
  expect((await scrape()).get(series)).toBe(8);
});

test('a week of hours is shown as it was counted, and what is older than its time is let go', async () => {
  const nowMs = Date.now();
  const recorder = 'a week';
  let sequence = 0;
  for (let hours = 40 * 24; hours >= 0; hours -= 4) {
    const counts = new Map([
      [counterKey('meshes', ['refused', 'none']), 3], // what no other test here counts
      [counterKey('latencies', ['hit', String(bucketOf(5))]), 3],
    ]);
    await theStats(env.STATS).take(batchOf(counts, nowMs - hours * hourMs), { recorder, sequence: ++sequence });
  }
  const week = await dashboard('7d');
  const counted = week.timeline.refused.filter((count) => count > 0);
  expect(counted).toEqual(Array(counted.length).fill(3));
  expect(counted.length).toBe(42);
  expect(week.summary.latency.hit.p50_ms).toBeGreaterThan(4);
  expect(week.summary.latency.hit.p99_ms).toBeLessThanOrEqual(6.3);
  vi.useFakeTimers({ toFake: ['Date'], now: nowMs + 61_000 });
  await theStats(env.STATS).take(batchOf(new Map()), { recorder, sequence: ++sequence });
  const kept = await theStats(env.STATS).history({ beganMs: 0, stepMs: nowMs * 2, steps: 1, width: 'hour' });
  expect(kept.steps[0]?.get(counterKey('meshes', ['refused', 'none']))).toBe(3 * (35 * 6));
});

test('what an origin reports is in the metrics and over time until it falls silent', async () => {
  const gpu = {
    name: 'Fake "GPU" 1',
    utilisation: 0.5,
    memoryUsedBytes: 10,
    memoryTotalBytes: 40,
    temperatureCelsius: 60,
  };
  const lane = { device: '0', provider: 'cuda', state: 'ready', busySeconds: 100, restarts: 2 } as const;
  const startMs = Date.now();
  vi.useFakeTimers({ toFake: ['Date'], now: startMs });
  await report('two', { lanes: [lane], gpus: [gpu], queue: { depth: 4, capacity: 64 } });
  const queueDepth = async () => (await scrape()).get('meshkiln_edge_origin_queue_depth{origin="two"}');
  await vi.waitFor(async () => expect(await queueDepth()).toBe(4));
  vi.setSystemTime(startMs + 5_000);
  await report('two', { lanes: [{ ...lane, busySeconds: 104 }], gpus: [gpu], queue: { depth: 2, capacity: 64 } });
  await vi.waitFor(async () => expect(await queueDepth()).toBe(2));
  const series = await scrape();
  const card = '{origin="two",gpu="0",name="Fake \\"GPU\\" 1"}';
  expect(series.get(`meshkiln_edge_origin_gpu_utilisation_ratio${card}`)).toBe(0.5);
  expect(series.get(`meshkiln_edge_origin_gpu_memory_used_bytes${card}`)).toBe(10);
  expect(series.get('meshkiln_edge_origin_lane_busy_seconds_total{origin="two",lane="0",device="0"}')).toBe(104);
  const origin = (await dashboard()).origins.find(({ id }) => id === 'two');
  expect(origin).toMatchObject({ up: true, queue_depth: 2, lanes: [{ device: '0', provider: 'cuda' }] });
  const measured = (values: (number | null)[] = []) => values.filter((value) => value !== null);
  expect(measured(origin?.timeline.lane_busy)).toEqual([0.8]);
  expect(measured(origin?.timeline.gpu_utilisation)[0]).toBe(0.5);
  expect(measured(origin?.timeline.gpu_memory)[0]).toBe(0.25);

  vi.setSystemTime(startMs + 60_000);
  const later = await scrape();
  expect(later.get('meshkiln_edge_origin_up{origin="two"}')).toBe(0);
  expect(later.has('meshkiln_edge_origin_queue_depth{origin="two"}')).toBe(false);
  expect((await dashboard()).origins.find(({ id }) => id === 'two')).toMatchObject({ up: false });
});

test('metrics are for an admin key or the token', async () => {
  const status = async ({ token, bearer }: { token?: string; bearer?: string }) => {
    const app = createApp({ ...env, ...(token !== undefined && { METRICS_TOKEN: token }) });
    const headers = bearer === undefined ? undefined : { authorization: `Bearer ${bearer}` };
    const request = new Request(`${edgeUrl}/metrics`, { ...(headers && { headers }) });
    return (await app.fetch(request, env, createExecutionContext())).status;
  };
  expect(await status({})).toBe(401);
  expect(await status({ bearer: testKeys.acme })).toBe(403);
  expect(await status({ bearer: testKeys.admin })).toBe(200);
  expect(await status({ token: 'a scraper' })).toBe(401);
  expect(await status({ token: 'a scraper', bearer: 'a scraper' })).toBe(200);
  expect(await status({ token: 'a scraper', bearer: 'a scrapes' })).toBe(401);
  expect(await status({ token: 'a scraper', bearer: testKeys.admin })).toBe(200);
});

test('money is GPU time at the price that is set, and a price that is none ends the start', async () => {
  const priced = async (price: string) => {
    const app = createApp({ ...env, GPU_PRICE_PER_HOUR: price });
    const headers = { authorization: `Bearer ${testKeys.admin}` };
    const answer = await app.fetch(
      new Request(`${edgeUrl}/dashboard/data`, { headers }),
      env,
      createExecutionContext(),
    );
    return DashboardData.parse(await answer.json()).summary;
  };
  const counts = new Map([
    [counterKey('savedGpuMs', []), hourMs],
    [counterKey('spentGpuMs', []), hourMs / 2],
  ]);
  await theStats(env.STATS).take(batchOf(counts), { recorder: 'money', sequence: 1 });
  const { money, gpu_ms_saved: savedMs, gpu_ms_spent: spentMs } = await priced('2.50');
  expect(money?.gpu_hour_price).toBe(2.5);
  expect(money?.saved).toBeCloseTo((savedMs / hourMs) * 2.5, 9);
  expect(money?.spent).toBeCloseTo((spentMs / hourMs) * 2.5, 9);
  expect(() => createApp({ ...env, GPU_PRICE_PER_HOUR: 'much' })).toThrow('GPU_PRICE_PER_HOUR');
});

test('a time falls into the first bucket whose bound it does not exceed', () => {
  for (const [index, bound] of latencyBoundsMs.entries()) {
    expect(bucketOf(bound)).toBe(index);
    expect(bucketOf(bound * 1.001)).toBe(index + 1);
  }
  expect(bucketOf(0)).toBe(0);
});

// The last, since no new counter finds room in this minute after it.
test('counters of which there are too many are left out, and that is told', async () => {
  const many = new Map(Array.from({ length: 3000 }, (_, n) => [counterKey('errors', [`code_${n}`]), 1]));
  await theStats(env.STATS).take(batchOf(many), { recorder: 'too many', sequence: 1 });
  const series = await scrape();
  expect([...series.keys()].filter((name) => name.startsWith('meshkiln_edge_errors_total'))).not.toHaveLength(3000);
  expect(series.get('meshkiln_edge_counters_left_out')).toBeGreaterThanOrEqual(1000);
});
