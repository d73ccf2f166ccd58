/** Where repeated measurements lie. */
export type Spread = { median: number; least: number; most: number; samples: number };

/** The median of measurements, with the least and the most of them; NaN all three when one of them is. */
export function spread(values: Iterable<number>): Spread {
  const sorted = Float64Array.from(values).toSorted();
  const samples = sorted.length;
  if (sorted.some(Number.isNaN)) return { median: NaN, least: NaN, most: NaN, samples };
  return { median: medianOf(sorted), least: sorted[0] ?? NaN, most: sorted.at(-1) ?? NaN, samples };
}

/** A median with its 95% confidence interval. */
export type Interval = { median: number; low: number; high: number; samples: number };

/** The median of measurements with an interval that holds for any distribution: two of the values in their order. */
export function medianInterval(values: Iterable<number>): Interval {
  const sorted = Float64Array.from(values).toSorted();
  const reach = 0.98 * Math.sqrt(sorted.length);
  const at = (rank: number) => sorted[Math.min(sorted.length - 1, Math.max(0, rank))] ?? NaN;
  const low = at(Math.floor(sorted.length / 2 - reach) - 1);
  const high = at(Math.ceil(sorted.length / 2 + reach));
  return { median: medianOf(sorted), low, high, samples: sorted.length };
}

function medianOf(sorted: Float64Array): number {
  return (quantile(sorted, 0.5) + (sorted.at(-Math.floor(sorted.length / 2) - 1) ?? NaN)) / 2;
}

/** The value below which this share of ascending values lies; NaN when there are none. */
export function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

/** Each measurement of `ours` as a share of that of `reference` which was taken right beside it; throws where one has none. */
export function quotients(ours: readonly number[], reference: readonly number[]): number[] {
  if (ours.length !== reference.length) throw new Error(`${ours.length} measurements beside ${reference.length}`);
  return ours.map((value, i) => value / (reference[i] ?? NaN));
}

/** The spread of those shares. */
export function ratios(ours: readonly number[], reference: readonly number[]): Spread {
  return spread(quotients(ours, reference));
}
