// `npm run bench [-- name …]`: measures speed, prints it and keeps it under bench/results; exits 1 when a bound is missed.
import { benchHits } from './edge/hits.ts';
import { startEdge } from './harness/edge.ts';
import { printFindings } from './harness/print.ts';
import { record, type Findings } from './harness/result.ts';

/** Each measurement by its name, in the order in which they run. */
const benches: Record<string, () => Promise<Findings>> = {
  hits: () => onEdge(benchHits),
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
