import { planEviction } from '../edge/removal/eviction.ts';
import { worth, type EvictionEntry } from '../edge/search/worth.ts';

/** Requests for meshes by their number, with what each costs to keep and to make. */
export type EvictionTrace = {
  seed: number;
  zipfExponent: number;
  meshes: { bytes: number; gpuMs: number }[];
  requests: number[];
};

export type EvictionPolicy = 'greedy-dual-size-frequency' | 'least-recently-used';

export type Replay = { hits: number; gpuMsSaved: number; gpuMsSpent: number };

/** Requests between two sweeps, which stand for a cron trigger: in between the budget may be exceeded, as in R2. */
const requestsPerSweep = 50;

/** Plays a trace against a store of `bytesMax` that is swept by one policy; the store begins empty. */
export function replay(
  trace: EvictionTrace,
  { policy, bytesMax }: { policy: EvictionPolicy; bytesMax: number },
): Replay {
  const kept = new Map<number, EvictionEntry>();
  const result: Replay = { hits: 0, gpuMsSaved: 0, gpuMsSpent: 0 };
  let clock = 0;
  for (const [time, mesh] of trace.requests.entries()) {
    const cost = trace.meshes[mesh];
    if (!cost) throw new Error(`the trace has no mesh ${mesh}`);
    const known = kept.get(mesh);
    if (known) {
      result.hits++;
      result.gpuMsSaved += cost.gpuMs;
    } else result.gpuMsSpent += cost.gpuMs;
    const use = { ...cost, uses: (known?.uses ?? 0) + 1 };
    const value = policy === 'least-recently-used' ? time : worth(clock, use);
    kept.set(mesh, { key: String(mesh), ...use, worth: value });
    if (time % requestsPerSweep !== 0) continue;
    const plan = planEviction([...kept.values()], { bytesMax, clock });
    clock = plan.clock;
    for (const key of plan.evict) kept.delete(Number(key));
  }
  return result;
}
