import type { DashboardData } from '../../../contract/dashboard-data.ts';
import { make } from '../look/element.ts';
import { bytes, count, counted, duration, share } from '../look/figures.ts';

type Summary = DashboardData['summary'];
type Tile = { term: string; figure: string; more: string };

/** The figures of the whole range, each in a tile. */
export function showSummary(list: HTMLElement, summary: Summary): void {
  const tiles = tilesOf(summary).map(({ term, figure, more }) =>
    make('div', 'tile', make('dt', null, term), make('dd', 'figure', figure), make('dd', 'soft', more)),
  );
  list.replaceChildren(...tiles);
}

function tilesOf(summary: Summary): Tile[] {
  const { hits, misses, joined, refused, flights, latency, money } = summary;
  return [
    {
      term: 'Hit ratio',
      figure: summary.hit_ratio === null ? '–' : share(summary.hit_ratio),
      more: `${counted(hits, 'hit', 'hits')}, ${counted(misses, 'miss', 'misses')}, ${count(joined)} joined, ${count(refused)} refused`,
    },
    {
      term: 'GPU time saved',
      figure: duration(summary.gpu_ms_saved),
      more: `${duration(summary.gpu_ms_spent)} spent, as each mesh measured its own`,
    },
    {
      term: 'Money saved',
      figure: money === null ? '–' : amount(money.saved),
      more:
        money === null
          ? 'Set GPU_PRICE_PER_HOUR to see it'
          : `${amount(money.spent)} spent, at ${amount(money.gpu_hour_price)} a GPU hour`,
    },
    latencyTile('A hit takes', latency.hit),
    latencyTile('A miss takes', latency.miss),
    {
      term: 'Requests',
      figure: count(summary.requests),
      more: 'of all kinds, those of origins among them',
    },
    {
      term: 'Downloaded',
      figure: bytes(summary.asset_bytes),
      more: 'of meshes and previews, from /assets',
    },
    {
      term: 'Flights open',
      figure: count(flights.open),
      more: `${count(flights.started)} started, ${count(flights.completed)} landed, ${count(flights.failed)} failed`,
    },
  ];
}

function latencyTile(term: string, { count: measured, p50_ms, p95_ms, p99_ms }: Summary['latency']['hit']): Tile {
  const [p50, p95, p99] = [p50_ms, p95_ms, p99_ms].map((value) => (value === null ? '–' : duration(value)));
  if (measured === 0) return { term, figure: '–', more: 'None was measured' };
  return { term, figure: p50 ?? '–', more: `at the median; p95 ${p95}, p99 ${p99}` };
}

/** Money in whatever currency the price is in. */
function amount(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: value < 1 ? 4 : 2 });
}
