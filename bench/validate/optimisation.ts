import { readFileSync } from 'node:fs';
import { replay, type EvictionPolicy, type EvictionTrace } from '../eviction-replay.ts';
import { atLeast, exactly, type Bound } from '../harness/result.ts';
import type { Interval } from '../harness/spread.ts';

/** Share of the trace's bytes that the compared stores may hold. */
const budgetShare = 0.1;

/** GPU time that cost-aware eviction must save, as a multiple of what least-recently-used saves at the same bytes. */
const savedRatioMin = 1.5;

/** The recorded trace of requests that the policies are compared on. */
export function evictionTrace(): EvictionTrace {
  const file = new URL('../results/eviction-trace.json', import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as EvictionTrace;
}

/** Whether the edge's eviction saves more GPU time than its baseline on the same requests. */
export function evictionPays(
  trace: EvictionTrace,
  policy: EvictionPolicy = 'greedy-dual-size-frequency',
): { bounds: Bound[] } {
  const bytesMax = budgetShare * trace.meshes.reduce((sum, mesh) => sum + mesh.bytes, 0);
  const saved = (by: EvictionPolicy) => replay(trace, { policy: by, bytesMax }).gpuMsSaved;
  const ratio = saved(policy) / saved('least-recently-used');
  return { bounds: [atLeast('GPU time saved, cost-aware / least recently used', ratio, savedRatioMin)] };
}

/** Whether identical misses at once were one job; without single flight each of them would be one. */
export function flightIsSingle({ requests, jobs }: { requests: number; jobs: number }): { bounds: Bound[] } {
  return { bounds: [exactly(`jobs of ${requests} identical misses at once (baseline: ${requests})`, jobs, 1)] };
}

/** What became of one graph: how often cheaper a row is with the tuned batch size than with batch 1. */
export type BatchingRow = { model: string; share: Interval };

/** The least share of batch 1's throughput that the tuned batch size may give. */
const shareMin = 0.95;

/** Whether the batch size that the pool finds by itself is no worse than batch 1, for each graph. */
export function batchingPays(rows: readonly BatchingRow[]): Bound[] {
  return [
    atLeast('graphs whose batch size was compared', rows.length, 1),
    ...rows.map(({ model, share }) => atLeast(`${model}: tuned / batch 1`, share.median, shareMin)),
  ];
}
