import { meshId } from '../../contract/key.ts';
import type { MostUsed } from '../search/most-used.ts';
import type { StatsHistory, BucketWidth, ReportedOrigin } from './calls.ts';
import { addAll, countersOf, sumOf, type CounterName, type Counts } from './counts.ts';
import type { DashboardData, DashboardRange } from '../../contract/dashboard-data.ts';
import { latencyBuckets, percentile, type LatencyOf } from './latency.ts';
import { isSilent } from './report-counts.ts';

/** Steps of each range, and the buckets that they are made of. */
export const dashboardRanges: Readonly<Record<DashboardRange, { width: BucketWidth; stepMs: number; steps: number }>> =
  {
    '1h': { width: 'minute', stepMs: 60_000, steps: 60 },
    '24h': { width: 'minute', stepMs: 15 * 60_000, steps: 96 },
    '7d': { width: 'hour', stepMs: 3600_000, steps: 168 },
  };

const hourMs = 3600_000;

/** Start of the first step of a range, in milliseconds. The last step contains the present. */
export function rangeBeganMs(range: DashboardRange, nowMs: number): number {
  const { stepMs, steps } = dashboardRanges[range];
  return (Math.floor(nowMs / stepMs) - steps + 1) * stepMs;
}

export type DashboardSources = {
  range: DashboardRange;
  nowMs: number;
  history: StatsHistory;
  mostUsed: readonly MostUsed[];
  gpuHourPrice: number | null;
};

/** What the dashboard shows of a range. */
export function dashboardData({ range, nowMs, history, mostUsed, gpuHourPrice }: DashboardSources): DashboardData {
  const { stepMs } = dashboardRanges[range];
  const { steps } = history;
  const beganMs = rangeBeganMs(range, nowMs);
  const all: Counts = new Map();
  for (const counts of steps) addAll(all, counts);
  return {
    object: 'dashboard',
    range,
    generated_at: Math.floor(nowMs / 1000),
    step_seconds: stepMs / 1000,
    summary: summaryOf(all, { flightsOpen: history.flightsOpen, gpuHourPrice }),
    timeline: { at: steps.map((_, index) => (beganMs + index * stepMs) / 1000), ...timelineOf(steps) },
    origins: history.origins.map((origin) => originOf(origin, steps, nowMs)),
    requests_by_route: [...countersOf(all, 'requests')]
      .map(({ labels: [method = '', route = '', status = ''], value }) => ({ method, route, status, count: value }))
      .toSorted((a, b) => b.count - a.count),
    errors: [...countersOf(all, 'errors')]
      .map(({ labels: [code = ''], value }) => ({ code, count: value }))
      .toSorted((a, b) => b.count - a.count),
    top_meshes: mostUsed.map(({ key, ...mesh }) => ({ id: meshId(key), ...mesh })),
    failures: history.failures.map(({ atMs, code, message, cause, key, originId }) => ({
      at: Math.floor(atMs / 1000),
      code,
      message,
      cause,
      mesh: key === null ? null : meshId(key),
      origin: originId,
    })),
  };
}

function summaryOf(
  counts: Counts,
  { flightsOpen, gpuHourPrice }: { flightsOpen: number; gpuHourPrice: number | null },
): DashboardData['summary'] {
  const spentMs = sumOf(counts, 'spentGpuMs');
  const savedMs = sumOf(counts, 'savedGpuMs');
  const ended = (outcome: string) => sumOf(counts, 'flightsEnded', outcome);
  return {
    requests: sumOf(counts, 'requests'),
    hits: sumOf(counts, 'meshes', 'hit'),
    misses: sumOf(counts, 'meshes', 'miss'),
    joined: sumOf(counts, 'meshes', 'joined'),
    refused: sumOf(counts, 'meshes', 'refused'),
    hit_ratio: hitRatio(counts),
    asset_bytes: sumOf(counts, 'assetBytes'),
    gpu_ms_spent: spentMs,
    gpu_ms_saved: savedMs,
    latency: { hit: latencyOf(counts, 'hit'), miss: latencyOf(counts, 'miss') },
    flights: {
      started: sumOf(counts, 'flightsStarted'),
      completed: ended('completed'),
      failed: ended('failed'),
      cancelled: ended('cancelled'),
      withdrawn: ended('withdrawn'),
      open: flightsOpen,
    },
    money: gpuHourPrice === null ? null : moneyOf({ spentMs, savedMs }, gpuHourPrice),
  };
}

function moneyOf({ spentMs, savedMs }: { spentMs: number; savedMs: number }, price: number) {
  return { gpu_hour_price: price, spent: (spentMs / hourMs) * price, saved: (savedMs / hourMs) * price };
}

function timelineOf(steps: readonly Counts[]): Omit<DashboardData['timeline'], 'at'> {
  const sums = (name: CounterName, ...first: string[]) => steps.map((counts) => sumOf(counts, name, ...first));
  const statuses = (hundreds: string) =>
    steps.map((counts) => {
      const answers = [...countersOf(counts, 'requests')].filter(({ labels }) => labels[2]?.startsWith(hundreds));
      return answers.reduce((sum, { value }) => sum + value, 0);
    });
  const assets = (tier: string) => sums('assets', tier);
  return {
    hits_by_tier: {
      memory: sums('meshes', 'hit', 'memory'),
      kv: sums('meshes', 'hit', 'kv'),
      r2: sums('meshes', 'hit', 'r2'),
    },
    misses: sums('meshes', 'miss'),
    joined: sums('meshes', 'joined'),
    refused: sums('meshes', 'refused'),
    hit_ratio: steps.map(hitRatio),
    requests_by_status: { '2xx': statuses('2'), '3xx': statuses('3'), '4xx': statuses('4'), '5xx': statuses('5') },
    latency: { hit: latencyTimeline(steps, 'hit'), miss: latencyTimeline(steps, 'miss') },
    assets_by_tier: { memory: assets('memory'), colo: assets('colo'), r2: assets('r2'), none: assets('none') },
    asset_bytes: sums('assetBytes'),
    gpu_ms_spent: sums('spentGpuMs'),
    gpu_ms_saved: sums('savedGpuMs'),
    flights_open: steps.map((counts) => ratio(sumOf(counts, 'flightsOpen'), sumOf(counts, 'flightSamples'))),
  };
}

function originOf({ id, atMs, report }: ReportedOrigin, steps: readonly Counts[], nowMs: number) {
  const mean = (sum: CounterName, of: CounterName) =>
    steps.map((counts) => ratio(sumOf(counts, sum, id), sumOf(counts, of, id)));
  return {
    id,
    up: !isSilent(atMs, nowMs),
    state: report.state,
    reported_at: Math.floor(atMs / 1000),
    started_at: report.startedAtSeconds,
    queue_depth: report.queue.depth,
    queue_capacity: report.queue.capacity,
    outbox_entries: report.outbox.entries,
    jobs: report.jobs,
    lanes: report.lanes.map(({ device, provider, state }) => ({ device, provider, state })),
    gpus: report.gpus.map((gpu) => ({
      name: gpu.name,
      utilisation: gpu.utilisation,
      memory_used_bytes: gpu.memoryUsedBytes,
      memory_total_bytes: gpu.memoryTotalBytes,
      temperature_celsius: gpu.temperatureCelsius,
    })),
    timeline: {
      queue_depth: mean('queueDepth', 'reports'),
      // A run that began in the step before may end in this one.
      lane_busy: mean('laneBusyMs', 'laneMs').map((share) => share && Math.min(1, share)),
      gpu_utilisation: mean('gpuUtilisation', 'gpuReports'),
      gpu_memory: mean('gpuMemoryShare', 'gpuReports'),
    },
  };
}

function latencyOf(counts: Counts, cache: LatencyOf) {
  const buckets = latencyBuckets(counts, cache);
  return {
    count: buckets.reduce((sum, count) => sum + count, 0),
    p50_ms: percentile(buckets, 0.5),
    p95_ms: percentile(buckets, 0.95),
    p99_ms: percentile(buckets, 0.99),
  };
}

function latencyTimeline(steps: readonly Counts[], cache: LatencyOf) {
  const measured = steps.map((counts) => latencyOf(counts, cache));
  return {
    p50_ms: measured.map((latency) => latency.p50_ms),
    p95_ms: measured.map((latency) => latency.p95_ms),
    p99_ms: measured.map((latency) => latency.p99_ms),
  };
}

function hitRatio(counts: Counts): number | null {
  return ratio(sumOf(counts, 'meshes', 'hit'), sumOf(counts, 'meshes'));
}

function ratio(sum: number, of: number): number | null {
  return of === 0 ? null : sum / of;
}
