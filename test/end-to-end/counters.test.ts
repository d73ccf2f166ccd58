import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { MeshObject } from '../../contract/mesh.ts';
import { parseExposition } from '../exposition.ts';
import { emoji, post, startMeshkiln, type Running } from './meshkiln.ts';

/** What the answers said, by the series that must say the same. */
type Tally = Map<string, number>;

type Dashboard = { panels: { targets: { expr: string }[] }[] };

const inFlight = 8;

let running: Running;
let pictures: Uint8Array<ArrayBuffer>[];

beforeAll(async () => {
  running = await startMeshkiln();
  pictures = await Promise.all(['1f9f8', '1f369', '1f98a', '1f34e'].map(emoji));
});
afterAll(() => running.close());

const waiting = { headers: { prefer: 'wait=60' } };
const pictureOf = (n: number) => pictures[n % pictures.length] ?? Promise.reject(new Error('there are no pictures'));

function add(tally: Tally, series: string, by = 1): void {
  tally.set(series, (tally.get(series) ?? 0) + by);
}

/** Tallies what an answer says of itself. */
async function tallied(tally: Tally, route: string, answer: Response): Promise<MeshObject | null> {
  const { status, headers } = answer;
  const method = route === '/v1/meshes' ? 'POST' : 'GET';
  add(tally, `meshkiln_edge_requests_total{method="${method}",route="${route}",status="${status}"}`);
  if (route === '/assets/:file') {
    const tier = /detail=(\w+)/.exec(headers.get('cache-status') ?? '')?.[1] ?? 'none';
    add(tally, `meshkiln_edge_assets_total{tier="${tier}",status="${status}"}`);
    const bytes = (await answer.clone().arrayBuffer()).byteLength;
    if (status === 200 || status === 206) add(tally, `meshkiln_edge_asset_bytes_total{tier="${tier}"}`, bytes);
  }
  if (status >= 400) {
    const { error } = (await answer.json()) as { error: { code: string } };
    add(tally, `meshkiln_edge_errors_total{code="${error.code}"}`);
    return null;
  }
  if (method === 'GET') return null;
  const mesh = MeshObject.parse(await answer.json());
  const { cache } = mesh;
  add(tally, `meshkiln_edge_meshes_total{cache="${cache.status}",tier="${cache.tier ?? 'none'}"}`);
  if (cache.status === 'hit') add(tally, 'meshkiln_edge_mesh_seconds_count{cache="hit"}');
  add(tally, 'meshkiln_edge_saved_gpu_seconds_total', cache.saved_gpu_ms / 1000);
  return mesh;
}

/** Sends requests, some at a time, and tallies their answers. */
async function send(tally: Tally, requests: readonly (() => Promise<[route: string, answer: Response]>)[]) {
  const waitingRequests = requests.values();
  const one = async () => {
    for (const request of waitingRequests) await tallied(tally, ...(await request()));
  };
  await Promise.all(Array.from({ length: inFlight }, one));
}

const hit = (n: number) => async () => ['/v1/meshes', await post(running, await pictureOf(n))] as [string, Response];
const unknownField = (n: number) => async () =>
  ['/v1/meshes', await post(running, await pictureOf(n), { fields: { colour: 'red' } })] as [string, Response];
const wrongKey = () => async () =>
  ['/v1/meshes', await post(running, await pictureOf(0), { headers: { authorization: 'Bearer no_key' } })] as [
    string,
    Response,
  ];
const asset =
  (path: string, headers: Record<string, string> = {}) =>
  async () =>
    ['/assets/:file', await fetch(running.edgeUrl + path, { headers })] as [string, Response];

const times = <T>(count: number, make: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n));

async function scrape(): Promise<Map<string, number>> {
  const answer = await running.admin('/metrics');
  return parseExposition(await answer.text()).series;
}

/** Every series of what was asked for at all, less what there was before. */
async function counted(before: ReadonlyMap<string, number>, tally: Tally): Promise<Record<string, number>> {
  const now = await scrape();
  return Object.fromEntries(
    [...tally.keys()].map((series) => [series, rounded((now.get(series) ?? 0) - (before.get(series) ?? 0))]),
  );
}

/** GPU times are sums of fractions, which come out in another order a last digit apart. */
const rounded = (value: number) => Math.round(value * 1e6) / 1e6;
const expected = (tally: Tally) => Object.fromEntries([...tally].map(([series, value]) => [series, rounded(value)]));

async function expectAgreement(before: ReadonlyMap<string, number>, tally: Tally): Promise<void> {
  const patience = { timeout: 15_000, interval: 300 };
  await vi.waitFor(async () => expect(await counted(before, tally)).toEqual(expected(tally)), patience);
}

test('counters agree exactly with 1,000 requests, across kill -9 of the edge', async () => {
  const before = await scrape();
  const tally: Tally = new Map();

  // 4 misses, each with 5 more who ask at the same time.
  const made = await Promise.all(
    times(24, async (n) => tallied(tally, '/v1/meshes', await post(running, await pictureOf(n), waiting))),
  );
  add(tally, 'meshkiln_edge_flights_started_total', 4);
  add(tally, 'meshkiln_edge_flights_ended_total{outcome="completed"}', 4);
  add(tally, 'meshkiln_edge_mesh_seconds_count{cache="miss"}', 4);
  add(tally, 'meshkiln_edge_write_backs_total{outcome="stored"}', 4);
  add(tally, 'meshkiln_edge_errors_total{code="not_found"}', 4); // for each the origin looked for a stored surface
  expect(tally.get('meshkiln_edge_meshes_total{cache="miss",tier="none"}')).toBe(4);
  expect(tally.get('meshkiln_edge_meshes_total{cache="joined",tier="none"}')).toBe(20);

  const { sha256 = '', url = '' } = made[0]?.asset ?? {};
  const path = new URL(url).pathname;
  await send(tally, [
    ...times(500, hit),
    ...times(60, unknownField),
    ...times(60, wrongKey),
    ...times(100, () => asset(path)),
    ...times(56, (n) => asset(path, { range: `bytes=${n}-99` })),
    ...times(50, () => asset(path, { 'if-none-match': `"${sha256}"` })),
    ...times(50, () => asset(`/assets/${'0'.repeat(64)}.glb`)),
  ]);
  await expectAgreement(before, tally);

  // What is recorded less than a flush before the end may be lost, and nothing else.
  const flushed = await scrape();
  const unflushed: Tally = new Map();
  await send(unflushed, times(20, hit));
  const edge = running.programs.edge.pid;
  if (edge === null) throw new Error('the edge does not run');
  process.kill(edge, 'SIGKILL');
  await vi.waitFor(() => expect(running.programs.edge.pid).not.toBe(edge), 20_000);
  await vi.waitFor(async () => expect((await fetch(`${running.edgeUrl}/healthz`)).status).toBe(200), {
    timeout: 30_000,
    interval: 200,
  });
  const restarted = await scrape();
  for (const [series, value] of Object.entries(await counted(flushed, unflushed))) {
    expect(value, series).toBeGreaterThanOrEqual(0);
    expect(value, series).toBeLessThanOrEqual(rounded(unflushed.get(series) ?? 0));
  }
  for (const series of tally.keys()) {
    expect(restarted.get(series), series).toBeGreaterThanOrEqual(flushed.get(series) ?? 0);
  }

  const afterwards: Tally = new Map();
  await send(afterwards, [...times(60, hit), ...times(10, unknownField), ...times(10, () => asset(path))]);
  // The memory of the edge that was killed is gone, KV and the location's cache are not.
  expect(afterwards.get('meshkiln_edge_meshes_total{cache="hit",tier="kv"}')).toBeGreaterThanOrEqual(4);
  await expectAgreement(restarted, afterwards);
});

test('every series and label of the Grafana dashboard and the alert rules is in the metrics of edge or origin', async () => {
  const folder = join(import.meta.dirname, '../../docs/grafana');
  const pages = await Promise.all(
    [running.admin('/metrics'), fetch(`${running.originUrl}/metrics`)].map(async (answer) =>
      parseExposition(await (await answer).text()),
    ),
  );
  const types = new Map(pages.flatMap((page) => [...page.types]));
  const series = pages.flatMap((page) => [...page.series.keys()]);
  const dashboard = await readFile(join(folder, 'dashboard.json'), 'utf8');
  const alerts = await readFile(join(folder, 'alerts.yml'), 'utf8');
  const expressions = [
    ...(JSON.parse(dashboard) as Dashboard).panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    ...[...alerts.matchAll(/expr:(?: >-\n)?((?:.|\n)*?)\n +(?:for|labels):/g)].map(([, expression = '']) => expression),
  ];
  expect(expressions.length).toBeGreaterThan(40);
  for (const expression of expressions) {
    const names: readonly string[] = expression.match(/\bmeshkiln_\w+/g) ?? [];
    expect(names, expression).not.toHaveLength(0);
    for (const name of names) {
      const declared = types.get(name) ?? types.get(name.replace(/_(bucket|sum|count)$/, ''));
      expect(declared, name).toBeDefined();
    }
    // Of a machine without a card, say, there is no series to look the labels up in.
    const found = series.filter((text) => names.includes(text.replace(/\{.*/, '')));
    const labels = [...expression.matchAll(/(\w+)(?:=~|!~|!=|=)"|\bby \((\w+)\)/g)].map(
      ([, matched, by]) => matched ?? by,
    );
    for (const label of found.length === 0 ? [] : labels) {
      expect(
        found.some((text) => text.includes(`${label}="`)),
        `${label} of ${expression}`,
      ).toBe(true);
    }
  }
});
