// `npm run bench [-- name …]`: measures speed, prints it and keeps it under bench/results; exits 1 when a bound is missed.
import { benchConditional } from './edge/conditional.ts';
import { benchHits } from './edge/hits.ts';
import { benchMetricsCost } from './edge/metrics-cost.ts';
import { benchTiers } from './edge/tiers.ts';
import { startEdge } from './harness/edge.ts';
import { printFindings } from './harness/print.ts';
import { record, type Findings } from './harness/result.ts';
import { benchMisses } from './local/misses.ts';
import { benchReplay } from './local/replay.ts';
import { benchBatching } from './origin/batching.ts';
import { benchFlood } from './origin/flood.ts';
import { benchKills } from './origin/kills.ts';
import { benchSaturation } from './origin/saturation.ts';
import { benchSoak } from './origin/soak.ts';

/** Each measurement by its name, in the order in which they run. */
const benches: Record<string, () => Promise<Findings>> = {
  hits: () => onEdge(benchHits),
  tiers: () => onEdge(benchTiers),
  conditional: () => onEdge(benchConditional),
  misses: benchMisses,
  replay: benchReplay,
  batching: benchBatching,
  saturation: benchSaturation,
  soak: benchSoak,
  kills: benchKills,
  flood: benchFlood,
  'metrics-cost': benchMetricsCost,
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !Object.hasOwn(benches, name));
if (unknown.length > 0)
  throw new Error(`no such bench: ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}`);
for (const [name, run] of Object.entries(benches)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  const recorded = await record(name, run);
  printFindings(name, recorded);
  if (recorded.bounds.some(({ met }) => !met)) process.exitCode = 1;
}

async function onEdge(bench: (edge: Awaited<ReturnType<typeof startEdge>>) => Promise<Findings>): Promise<Findings> {
  const edge = await startEdge();
  try {
    return await bench(edge);
  } finally {
    await edge.close();
  }
}
