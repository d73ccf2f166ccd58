/** Where repeated measurements lie. */
export type Spread = { median: number; least: number; most: number; samples: number };

/** The median of measurements, with the least and the most of them. */
export function spread(values: Iterable<number>): Spread {
  const sorted = Float64Array.from(values).toSorted();
  return { median: quantile(sorted, 0.5), least: sorted[0] ?? NaN, most: sorted.at(-1) ?? NaN, samples: sorted.length };
}

/** The value below which this share of ascending values lies; NaN when there are none. */
export function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

/** The spread of each measurement of `ours` as a share of that of `reference` which was taken right beside it. */
export function ratios(ours: readonly number[], reference: readonly number[]): Spread {
  return spread(ours.map((value, i) => value / (reference[i] ?? NaN)));
}
