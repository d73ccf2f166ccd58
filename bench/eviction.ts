import { readFileSync, writeFileSync } from 'node:fs';
import { replay, type EvictionPolicy, type EvictionTrace } from './eviction-replay.ts';

/** Budgets to compare at, as shares of all the bytes that the trace asks for. */
const budgetShares = [0.02, 0.05, 0.1, 0.2, 0.4];
const policies: EvictionPolicy[] = ['least-recently-used', 'greedy-dual-size-frequency'];

const recorded = JSON.parse(
  readFileSync(new URL('results/eviction-trace.json', import.meta.url), 'utf8'),
) as EvictionTrace;
/** The same requests where every mesh costs the same, so that size and popularity alone can make a difference. */
const equalCosts = { ...recorded, meshes: recorded.meshes.map(({ bytes }) => ({ bytes, gpuMs: 1 })) };

const rows = [...compare('recorded', recorded), ...compare('equal', equalCosts)];
console.table(rows);
const { seed, zipfExponent, meshes, requests } = recorded;
const result = { trace: { seed, zipfExponent, meshes: meshes.length, requests: requests.length }, rows };
writeFileSync(new URL('results/eviction.json', import.meta.url), `${JSON.stringify(result, null, 2)}\n`);

function compare(costs: string, trace: EvictionTrace) {
  const allBytes = trace.meshes.reduce((sum, mesh) => sum + mesh.bytes, 0);
  const allGpuMs = trace.requests.reduce((sum, mesh) => sum + (trace.meshes[mesh]?.gpuMs ?? 0), 0);
  const saved = (policy: EvictionPolicy, budgetShare: number) => {
    const { hits, gpuMsSaved } = replay(trace, { policy, bytesMax: budgetShare * allBytes });
    return { hitShare: share(hits, trace.requests.length), gpuTimeSavedShare: share(gpuMsSaved, allGpuMs) };
  };
  const bounded = budgetShares.flatMap((budgetShare) =>
    policies.map((policy) => ({ costs, budgetShare, policy, ...saved(policy, budgetShare) })),
  );
  // What no policy can beat: each mesh is made once.
  return [...bounded, { costs, budgetShare: 1, policy: 'nothing evicted', ...saved('least-recently-used', 1) }];
}

function share(part: number, all: number): number {
  return Math.round((part / all) * 1e4) / 1e4;
}
