import type { DashboardData } from '../../../contract/dashboard-data.ts';
import { bytes, duration, share, shortCount } from '../look/figures.ts';
import { Chart, type ChartOptions, type Values } from './chart.ts';

type RequestChart = ChartOptions & { values: (timeline: DashboardData['timeline']) => readonly Values[] };

const percentiles = ['p50', 'p95', 'p99'];
const percentilesOf = (latency: DashboardData['timeline']['latency']['hit']) => [
  latency.p50_ms,
  latency.p95_ms,
  latency.p99_ms,
];

const requestCharts: readonly RequestChart[] = [
  {
    title: 'Meshes by where they came from',
    series: ['memory', 'KV', 'R2', 'joined', 'made (miss)'],
    stacked: true,
    format: shortCount,
    values: ({ hits_by_tier: { memory, kv, r2 }, joined, misses }) => [memory, kv, r2, joined, misses],
  },
  { title: 'Hit ratio', series: ['hits'], max: 1, format: share, values: (timeline) => [timeline.hit_ratio] },
  {
    title: 'Time to answer, hits',
    series: percentiles,
    format: duration,
    values: ({ latency }) => percentilesOf(latency.hit),
  },
  {
    title: 'Time to answer, misses',
    series: percentiles,
    format: duration,
    values: ({ latency }) => percentilesOf(latency.miss),
  },
  {
    title: 'Answers by status',
    series: ['2xx', '5xx', '4xx', '3xx'],
    stacked: true,
    format: shortCount,
    values: ({ requests_by_status: status }) => [status['2xx'], status['5xx'], status['4xx'], status['3xx']],
  },
  {
    title: 'Downloads by where they came from',
    series: ['memory', 'Cache API', 'R2', 'none'],
    stacked: true,
    format: shortCount,
    values: ({ assets_by_tier: { memory, colo, r2, none } }) => [memory, colo, r2, none],
  },
  { title: 'Bytes downloaded', series: ['bytes'], format: bytes, values: (timeline) => [timeline.asset_bytes] },
  {
    title: 'GPU time',
    series: ['saved', 'spent'],
    format: duration,
    values: (timeline) => [timeline.gpu_ms_saved, timeline.gpu_ms_spent],
  },
  { title: 'Flights open', series: ['open'], format: shortCount, values: (timeline) => [timeline.flights_open] },
];

/** Puts the charts of requests into their place; what it gives back draws them anew. */
export function requestChartsIn(place: HTMLElement): (data: DashboardData) => void {
  const charts = requestCharts.map(({ values, ...options }) => ({ chart: new Chart(options), values }));
  place.replaceChildren(...charts.map(({ chart }) => chart.figure));
  return ({ timeline }) => {
    for (const { chart, values } of charts) chart.update(timeline.at, values(timeline));
  };
}
