import { z } from 'zod';
import { barChart, type Bar } from './bar-chart.ts';
import { lineChart, type Series } from './line-chart.ts';
import { resultOf } from './results.ts';

/** A measurement as it may be recorded: once, or many times with its spread or an interval of its median. */
const Measured = z.union([
  z.number().transform((median) => ({ median })),
  z.object({ median: z.number(), least: z.number(), most: z.number() }),
  z
    .object({ median: z.number(), low: z.number(), high: z.number() })
    .transform(({ median, low, high }) => ({ median, least: low, most: high })),
]);
const Recorded = z.object({ rows: z.array(z.record(z.string(), z.unknown())) });

const policies = { 'greedy-dual-size-frequency': 'cost-aware', 'least-recently-used': 'least recently used' };

type Rows = readonly Record<string, unknown>[];

/** Each plot by its name; it is drawn of the result of that name, up to its first dot. */
const plots: Record<string, (rows: Rows) => string> = {
  'hits.50-kb': (rows) => hits(rows, '50 KB'),
  'hits.1-mb': (rows) => hits(rows, '1 MB'),
  tiers: (rows) =>
    barChart({
      title: 'One request at a time: median milliseconds by the tier that answers',
      unit: 'ms',
      bars: bars(rows, 'ms', (name) => !name.startsWith('bare')).map(({ label, value, ours }) => ({
        label,
        value,
        ours,
      })),
    }),
  conditional: (rows) =>
    barChart({
      title: 'Answers a second for an asset of 1 MB in memory, by what is asked of it',
      unit: '/s',
      bars: bars(rows, 'perSecond', () => true),
    }),
  misses: (rows) =>
    barChart({
      title: 'Misses: milliseconds until the answer, and what is not the origin’s own work',
      unit: 'ms',
      bars: bars(rows, 'ms', (name) => name.includes('overhead')),
    }),
  replay: (rows) =>
    barChart({
      title: '72 requests for 30 pictures: seconds until the last answer',
      unit: 's',
      bars: bars(rows, 'wallSeconds', (name) => name === 'both', 'variant'),
    }),
  batching: (rows) =>
    barChart({
      title: 'A row with batch 1 / a row with the batch size that was found: CPU time, or wall time on a GPU',
      unit: '×',
      bars: bars(rows, 'share', () => true, 'model'),
    }),
  soak: (rows) =>
    lineChart({
      title: 'Resident memory of the origin over 1,000 jobs',
      x: 'jobs',
      y: 'MiB',
      series: [
        { name: 'origin', points: points(rows, 'jobs', 'parentMiB') },
        { name: 'GPU process', points: points(rows, 'jobs', 'lanesMiB') },
        { name: 'together', points: points(rows, 'jobs', 'totalMiB') },
      ],
    }),
  eviction: (rows) =>
    lineChart({
      title: 'GPU time saved by a bounded store, as a share of all',
      x: 'store, share of all bytes',
      y: 'share',
      series: Object.entries(policies).map(([policy, name]): Series => {
        const own = rows.filter((row) => row['costs'] === 'assumed' && row['policy'] === policy);
        return { name, points: points(own, 'budgetShare', 'gpuTimeSavedShare') };
      }),
    }),
};

/** Every plot that can be drawn of what was recorded, by its name. */
export function drawnPlots(): Map<string, string> {
  const drawn = new Map<string, string>();
  for (const [name, draw] of Object.entries(plots)) {
    const result = resultOf(name.split('.')[0] ?? name);
    if (result !== null) drawn.set(name, draw(Recorded.parse(result).rows));
  }
  return drawn;
}

function hits(rows: Rows, size: string): string {
  return barChart({
    title: `Hits a second, ${size}: direct socket and front door, beside a bare Worker and nginx`,
    unit: '/s',
    bars: bars(
      rows.filter((row) => String(row['case']).includes(size)),
      'perSecond',
      (name) => !/bare|nginx/.test(name),
    ),
  });
}

/** A bar for each row in which this column was measured. */
function bars(rows: Rows, column: string, isOurs: (name: string) => boolean, labels = 'case'): Bar[] {
  return rows.flatMap((row) => {
    const measured = Measured.safeParse(row[column]);
    if (!measured.success) return [];
    const { median, ...spread } = measured.data;
    const label = String(row[labels]);
    return [{ label, value: median, ...spread, ours: isOurs(label) }];
  });
}

function points(rows: Rows, x: string, y: string): [number, number][] {
  return rows.map((row) => [Number(row[x]), Number(row[y])]);
}
