import { readFileSync } from 'node:fs';
import { replay, type EvictionPolicy, type EvictionTrace } from '../eviction-replay.ts';
import { atLeast, exactly, type Bound } from '../harness/result.ts';
import type { Interval } from '../harness/spread.ts';
import type { Crowd } from '../harness/ask.ts';

/** Share of the trace's bytes that the compared stores may hold. */
const budgetShare = 0.1;

/** GPU time that cost-aware eviction must save, as a multiple of what least-recently-used saves at the same bytes. */
const savedRatioMin = 1.5;

/** The generated trace of requests that the policies are compared on. */
export function evictionTrace(): EvictionTrace {
  const file = new URL('../results/eviction-trace.json', import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as EvictionTrace;
}

/** Whether the edge's policy of eviction saves more GPU time than its baseline, when a trace of requests is played. */
export function evictionPays(
  trace: EvictionTrace,
  policy: EvictionPolicy = 'greedy-dual-size-frequency',
): { bounds: Bound[] } {
  const bytesMax = budgetShare * trace.meshes.reduce((sum, mesh) => sum + mesh.bytes, 0);
  const saved = (by: EvictionPolicy) => replay(trace, { policy: by, bytesMax }).gpuMsSaved;
  const ratio = saved(policy) / saved('least-recently-used');
  return {
    bounds: [atLeast('GPU time saved on a generated trace, cost-aware / least recently used', ratio, savedRatioMin)],
  };
}

/**
 * Whether of identical misses at once one began a flight and the others joined it, and the origin had one job; without
 * single flight each would begin its own.
 */
export function flightIsSingle({ requests, jobs, misses }: Crowd): { bounds: Bound[] } {
  return {
    bounds: [
      exactly(`flights begun by ${requests} identical misses at once (baseline: ${requests})`, misses, 1),
      exactly(`jobs of ${requests} identical misses at once`, jobs, 1),
    ],
  };
}

/** What became of one graph: what a row costs with batch 1 as a multiple of its cost with the tuned batch size. */
export type BatchingRow = { model: string; share: Interval };

/** What a row with batch 1 may cost at least, as a share of its cost with the tuned batch size. */
const shareMin = 0.95;

/**
 * Whether the batch size that the pool finds by itself is no worse than batch 1, for each graph: whether the whole interval
 * says otherwise, as a graph for which the pool finds batch 1 is compared with itself, and its median is noise.
 */
export function batchingPays(rows: readonly BatchingRow[]): Bound[] {
  return [
    atLeast('graphs whose batch size was compared', rows.length, 1),
    ...rows.map(({ model, share }) =>
      atLeast(`${model}: cost of a row, batch 1 / tuned, upper end of the interval`, share.high, shareMin),
    ),
  ];
}
