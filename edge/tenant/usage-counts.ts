/** A tenant's requests and savings, in a day or in one batch of an isolate. */
export type UsageCounts = {
  requests: number;
  hitsMemory: number;
  hitsKv: number;
  hitsR2: number;
  misses: number;
  joined: number;
  gpuMsSaved: number;
};

/** A tenant's day (`2026-11-23`, UTC), with the GPU time that its misses cost. */
export type UsageDay = UsageCounts & { date: string; gpuMsSpent: number };

/** Nothing yet. */
export function noUsage(): UsageCounts {
  return { requests: 0, hitsMemory: 0, hitsKv: 0, hitsR2: 0, misses: 0, joined: 0, gpuMsSaved: 0 };
}
