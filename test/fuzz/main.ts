// `npm run fuzz [-- --requests N] [-- --seed N]`: fuzzed requests against the edge in workerd.
import { parseArgs } from 'node:util';
import { fuzz, growthMax, heapOf } from './fuzz.ts';
import { startTarget } from './target.ts';

const requestsDefault = 100_000;

const { values } = parseArgs({ options: { requests: { type: 'string' }, seed: { type: 'string' } } });
const requests = Number(values.requests ?? requestsDefault);
const seed = Number(values.seed ?? Date.now() % 2 ** 31);

console.warn = () => undefined; // each fetched URL that is refused is told there
const { edge, known } = await startTarget();
try {
  console.log(`${requests} requests, seed ${seed}`);
  const begun = performance.now();
  const onBatch = (done: number, heapBytes: number) => {
    if (done % 5000 > 0) return;
    const seconds = Math.round((performance.now() - begun) / 1000);
    console.log(`${done} requests, ${seconds} s, heap ${mebibytes(heapBytes)}`);
  };
  const result = await fuzz(edge, { seed, requests, known, onBatch });
  console.log(`statuses ${JSON.stringify(result.statuses)}`);
  const { early, late } = heapOf(result.heapBytes);
  console.log(`heap of the Worker: ${mebibytes(early)} in the second quarter, ${mebibytes(late)} in the last`);
  for (const fault of result.faults) console.log(`FAULT ${fault}`);
  console.log(`${result.requests} requests, ${result.faults.length} faults, seed ${seed}`);
  if (result.faults.length > 0 || late > early * growthMax) process.exitCode = 1;
} finally {
  await edge.close();
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
