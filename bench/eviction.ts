// `npm run bench:eviction`: how much GPU time the edge's eviction saves beside least recently used, on a generated trace.
import { replay, type EvictionPolicy, type EvictionTrace } from './eviction-replay.ts';
import { concludeWith } from './harness/print.ts';
import { record } from './harness/result.ts';
import { evictionPays, evictionTrace } from './validate/optimisation.ts';

/** Budgets to compare at, as shares of all the bytes that the trace asks for. */
const budgetShares = [0.02, 0.05, 0.1, 0.2, 0.4];
const policies: EvictionPolicy[] = ['least-recently-used', 'greedy-dual-size-frequency'];

const trace = evictionTrace();
/** The same requests where every mesh costs the same, so that size and popularity alone can make a difference. */
const equalCosts = { ...trace, meshes: trace.meshes.map(({ bytes }) => ({ bytes, gpuMs: 1 })) };

const recorded = await record('eviction', async () => ({
  rows: [...compare('assumed', trace), ...compare('equal', equalCosts)],
  bounds: evictionPays(trace).bounds,
}));
concludeWith('eviction', recorded);

function compare(costs: string, requested: EvictionTrace) {
  const allBytes = requested.meshes.reduce((sum, mesh) => sum + mesh.bytes, 0);
  const allGpuMs = requested.requests.reduce((sum, mesh) => sum + (requested.meshes[mesh]?.gpuMs ?? 0), 0);
  const saved = (policy: EvictionPolicy, budgetShare: number) => {
    const { hits, gpuMsSaved } = replay(requested, { policy, bytesMax: budgetShare * allBytes });
    return { hitShare: hits / requested.requests.length, gpuTimeSavedShare: gpuMsSaved / allGpuMs };
  };
  const bounded = budgetShares.flatMap((budgetShare) =>
    policies.map((policy) => ({ costs, budgetShare, policy, ...saved(policy, budgetShare) })),
  );
  // What no policy can beat: each mesh is made once.
  return [...bounded, { costs, budgetShare: 1, policy: 'nothing evicted', ...saved('least-recently-used', 1) }];
}
