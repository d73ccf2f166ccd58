import { countersOf, type Counts } from './counts.ts';

/** Five bounds a decade (the R5 series), so that a percentile read from the buckets is within a quarter of the true one. */
const perDecade = [1, 1.6, 2.5, 4, 6.3];
const decades = 6;

/**
 * Upper bounds of the latency buckets in milliseconds, from 1 ms (the resolution of a Worker's clock) to 630 s. One
 * more bucket holds everything slower.
 */
export const latencyBoundsMs: readonly number[] = Array.from({ length: decades }, (_, n) =>
  perDecade.map((step) => Number((step * 10 ** n).toPrecision(2))),
).flat();

/** How many buckets there are. */
export const bucketsMax = latencyBoundsMs.length + 1;

/** What is timed: a hit until its answer, a miss from the start of its flight until its mesh is stored. */
export type LatencyOf = 'hit' | 'miss';

/** Index of the bucket of a time. */
export function bucketOf(ms: number): number {
  let low = 0;
  let high = latencyBoundsMs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ms <= (latencyBoundsMs[middle] ?? Infinity)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Number of values in each bucket. The last bucket holds those beyond the greatest bound. */
export function latencyBuckets(counts: Counts, cache: LatencyOf): number[] {
  const buckets = Array<number>(bucketsMax).fill(0);
  for (const { labels, value } of countersOf(counts, 'latencies')) {
    if (labels[0] === cache) buckets[Number(labels[1])] = value;
  }
  return buckets;
}

/** Percentile in milliseconds, interpolated within its bucket. Null without values. At most the greatest bound. */
export function percentile(buckets: readonly number[], share: number): number | null {
  const total = buckets.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const rank = share * total;
  let below = 0;
  for (const [index, count] of buckets.entries()) {
    if (count > 0 && below + count >= rank) return within(index, (rank - below) / count);
    below += count;
  }
  return latencyBoundsMs.at(-1) ?? null;
}

function within(bucket: number, share: number): number {
  const upper = latencyBoundsMs[bucket] ?? latencyBoundsMs.at(-1) ?? 0;
  const lower = bucket === 0 ? 0 : (latencyBoundsMs[bucket - 1] ?? 0);
  if (bucket >= latencyBoundsMs.length) return upper;
  const value = lower + (upper - lower) * share;
  return Math.round(value * 1000) / 1000;
}
