import { childCpuMs } from '../harness/cpu.ts';
import { startEdge } from '../harness/edge.ts';
import { load, type LoadRequest } from '../harness/load.ts';
import type { Findings } from '../harness/result.ts';
import { medianInterval } from '../harness/spread.ts';
import { storeAsset, storeMesh, storeModel } from '../harness/stored.ts';

const pairs = 150;
const hitsEach = 400;
const bytes = 1_000;

/**
 * What counting costs a hit in CPU time: blocks of hits with the recorder that is shipped and with one that does
 * nothing, made inside one isolate, so that neither sockets nor the client blur the difference. The blocks of a pair
 * take turns at being first. The hits are small ones, of which counting is the largest share.
 */
export async function benchMetricsCost(): Promise<Findings> {
  const edge = await startEdge('bench/edge/worker-that-repeats.ts');
  try {
    await storeModel(edge);
    const asset = { url: edge.url + (await storeAsset(edge, bytes)) };
    const form = await storeMesh(edge, { pictureBytes: bytes, tier: 'r2' });
    return {
      rows: [
        await compare('GET asset, 1 KB', asset),
        await compare('POST hit, 1 KB', { ...form, url: `${edge.url}/v1/meshes` }),
      ],
      bounds: [],
    };
  } finally {
    await edge.close();
  }
}

/** Medians over all pairs with their 95% intervals; times in microseconds of CPU of all of workerd. */
async function compare(name: string, request: LoadRequest) {
  const on: number[] = [];
  const off: number[] = [];
  await load(request, 2); // from here on it is in memory
  for (let pair = 0; pair < pairs; pair++) {
    if (pair % 2 === 0) off.push(await cpuOfHit(request, 'off'));
    on.push(await cpuOfHit(request, 'on'));
    if (pair % 2 === 1) off.push(await cpuOfHit(request, 'off'));
  }
  const paired = (value: (on: number, off: number) => number) =>
    medianInterval(on.map((microseconds, pair) => value(microseconds, off[pair] ?? NaN)));
  return {
    case: name,
    cpuMicroseconds: medianInterval(on),
    added: paired((counting, silent) => counting - silent),
    addedShare: paired((counting, silent) => counting / silent - 1),
  };
}

async function cpuOfHit({ url, method = 'GET', headers, body }: LoadRequest, recorder: 'on' | 'off'): Promise<number> {
  const beforeMs = childCpuMs('workerd');
  const bench = { 'bench-hits': String(hitsEach), 'bench-recorder': recorder };
  const answer = await fetch(url, {
    method,
    headers: { ...headers, ...bench },
    body: body ? new Uint8Array(body) : null,
  });
  if (answer.status !== 200) throw new Error(`a hit was answered ${answer.status}: ${await answer.text()}`);
  await answer.arrayBuffer();
  return (1000 * (childCpuMs('workerd') - beforeMs)) / hitsEach;
}
