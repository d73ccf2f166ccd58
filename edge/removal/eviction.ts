/** A mesh as eviction sees it. */
export type EvictionEntry = {
  key: string;
  /** Bytes of its blobs. */
  bytes: number;
  /** GPU time that a new run would cost, in milliseconds. */
  gpuMs: number;
  /** Requests that it has answered, the one that made it included. */
  uses: number;
  /** What it was worth at its last use, from `worth`. */
  worth: number;
};

/**
 * The worth of a mesh at a use (GreedyDual-Size-Frequency, Cherkasova 1998): GPU milliseconds saved per byte, times how
 * often, above the clock. The clock is the worth of what was last evicted: it lifts new uses over old ones, so that
 * what was popular long ago goes in the end.
 */
export function worth(clock: number, { bytes, gpuMs, uses }: Omit<EvictionEntry, 'key' | 'worth'>): number {
  return clock + (uses * gpuMs) / bytes;
}

export type EvictionPlan = {
  /** Keys to evict, the least worthy first. */
  evict: string[];
  /** Bytes that stay. */
  keptBytes: number;
  /** The clock after this sweep, to be kept for the next uses. */
  clock: number;
};

/** Which meshes a sweep evicts so that the others fit into `bytesMax`. Takes n log n time in the number of meshes. */
export function planEviction(
  entries: readonly EvictionEntry[],
  { bytesMax, clock }: { bytesMax: number; clock: number },
): EvictionPlan {
  let keptBytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
  const plan: EvictionPlan = { evict: [], keptBytes, clock };
  if (keptBytes <= bytesMax) return plan;
  for (const entry of entries.toSorted((a, b) => a.worth - b.worth)) {
    if (keptBytes <= bytesMax) break;
    plan.evict.push(entry.key);
    plan.clock = Math.max(plan.clock, entry.worth);
    keptBytes -= entry.bytes;
  }
  return { ...plan, keptBytes };
}
