// `npm run bench [-- name …]`: measures speed, prints it and keeps it under bench/results; exits 1 when a bound is missed.
import { benchConditional } from './edge/conditional.ts';
import { benchHits } from './edge/hits.ts';
import { benchMetricsCost } from './edge/metrics-cost.ts';
import { benchTiers } from './edge/tiers.ts';
import { startEdge } from './harness/edge.ts';
import { concludeWith } from './harness/print.ts';
import { record, type Findings } from './harness/result.ts';
import { benchMisses } from './local/misses.ts';
import { benchReplay } from './local/replay.ts';
import { benchBatching } from './origin/batching.ts';
import { benchFlood } from './origin/flood.ts';
import { benchKills } from './origin/kills.ts';
import { benchSaturation } from './origin/saturation.ts';
import { benchSoak } from './origin/soak.ts';

type Bench = () => Promise<Findings>;

/** What runs when nothing is named: about eight minutes on two quiet cores. */
const short: Record<string, Bench> = {
  hits: () => onEdge(benchHits),
  tiers: () => onEdge(benchTiers),
  conditional: () => onEdge(benchConditional),
  misses: benchMisses,
  replay: benchReplay,
  batching: benchBatching,
  saturation: benchSaturation,
};

/** What takes minutes by itself, and runs when it is named. */
const long: Record<string, Bench> = {
  soak: benchSoak,
  kills: benchKills,
  flood: benchFlood,
  'metrics-cost': benchMetricsCost,
};

const benches = { ...short, ...long };
const asked = process.argv.slice(2);
const chosen = asked.length > 0 ? asked : Object.keys(short);
const unknown = chosen.find((name) => !Object.hasOwn(benches, name));
if (unknown !== undefined) throw new Error(`there is no bench "${unknown}", but ${Object.keys(benches).join(', ')}`);
for (const name of chosen) {
  const bench = benches[name] as Bench;
  try {
    concludeWith(name, await record(name, bench));
  } catch (error) {
    // The others are worth measuring all the same.
    console.error(`\n${name} could not be measured:`, error);
    process.exitCode = 1;
  }
}

async function onEdge(bench: (edge: Awaited<ReturnType<typeof startEdge>>) => Promise<Findings>): Promise<Findings> {
  const edge = await startEdge();
  try {
    return await bench(edge);
  } finally {
    await edge.close();
  }
}
