import type { OnnxProvider } from '../../contract/mesh.ts';
import { GpuPool } from '../compute/gpu-pool.ts';
import type { LaneModel } from '../compute/lane.ts';

/** Whether a provider really ran a model on this machine, and if not, everything that was said about it. */
export type Trial =
  | { provider: OnnxProvider; works: true; ms: number; goldenError: number | null }
  | { provider: OnnxProvider; works: false; cause: string };

const runSecondsMax = 120;

/**
 * Loads, checks and warms up a model on one provider of one device in a process of its own. That is the only proof:
 * the runtime lists providers whose libraries are missing.
 */
export async function tryProvider(provider: OnnxProvider, device: number, model: LaneModel): Promise<Trial> {
  const pool = new GpuPool({
    devices: [device],
    // The CPU after it: by the time it has loaded the model, all that the first one's libraries said has arrived.
    providers: { order: provider === 'cpu' ? ['cpu'] : [provider, 'cpu'], explicit: true },
    threads: 0,
    runSecondsMax,
    growthBytesMax: Infinity,
    onChange: () => {},
    onBatch: () => {},
  });
  const start = performance.now();
  try {
    await pool.setModels([model]);
    const [lane] = pool.lanes;
    const fault = pool.faultOf(model);
    if (fault === null && lane?.provider === provider) {
      const goldenError = lane.models.find(({ id }) => id === model.id)?.goldenError ?? null;
      return { provider, works: true, ms: performance.now() - start, goldenError };
    }
    const refusal = lane?.refusals.find((each) => each.provider === provider)?.cause ?? fault ?? 'its process ended';
    return { provider, works: false, cause: `${refusal.trim()}\n${lane?.errorText ?? ''}`.trim() };
  } finally {
    pool.close();
  }
}
