import type { EvictionEntry } from '../search/worth.ts';

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
