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
