import { evict } from './evict.ts';
import { sweepExpired } from './expired.ts';
import type { SweepOptions } from './sweep-options.ts';
import { orphanKinds, sweepOrphans } from './orphans.ts';

/** What one run removed; a step that failed is null, and comes again with the next run. */
export type SweepReport = { expired: number | null; evicted: number | null } & Record<
  (typeof orphanKinds)[number],
  number | null
>;

/**
 * One bounded run of housekeeping: meshes that have expired, the least worthy ones above the budget, and objects that
 * nothing needs any more, each kind from where the last run stopped.
 */
export async function sweep(options: SweepOptions): Promise<SweepReport> {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const expired = await step('expired', () => sweepExpired(nowSeconds, options));
  const evicted = options.bytesMax === 0 ? 0 : await step('evicted', () => evict(nowSeconds, options));
  const report: SweepReport = { expired, evicted, inputs: null, geometry: null, blobs: null, private: null };
  for (const kind of orphanKinds) report[kind] = await step(kind, () => sweepOrphans(kind, options));
  console.log(JSON.stringify({ event: 'swept', ...report }));
  return report;
}

async function step(name: string, work: () => Promise<number>): Promise<number | null> {
  try {
    return await work();
  } catch (error) {
    console.error(JSON.stringify({ event: 'sweep_failed', step: name, error: String(error) }));
    return null;
  }
}
