import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GpuPool } from '../../gpu-origin/compute/gpu-pool.ts';
import type { LaneModel } from '../../gpu-origin/compute/lane.ts';
import { isGraphModel, readModel } from '../../gpu-origin/models/repository.ts';
import { heavyInflation, writeModel } from '../../test/gpu-origin/support/models.ts';
import { modelsFolder } from '../../test/gpu-origin/support/send-job.ts';
import { atLeast, type Findings } from '../harness/result.ts';
import { ratios, spread } from '../harness/spread.ts';

const repeats = 7;
const secondsEach = 0.8;
const batchMaximum = 8;
/** Runs that wait or run at any time, so that full batches can form. */
const outstanding = 2 * batchMaximum;
/** The least share of batch 1's throughput that the tuned batch size may give. */
const shareMin = 0.95;

const signal = new AbortController().signal;

type Graph = { graph: string; name: string; single: LaneModel; tuned: LaneModel };

/** Rows a second with batches of the size that the pool finds by itself, beside one row at a time in the same run. */
export async function benchBatching(): Promise<Findings> {
  const folder = await mkdtemp(join(tmpdir(), 'meshkiln-bench-'));
  const pools = { single: createPool(), tuned: createPool() };
  try {
    const graphs = await graphsIn(folder);
    await pools.single.setModels(graphs.map(({ single }) => single));
    await pools.tuned.setModels(graphs.map(({ tuned }) => tuned));
    const findings: Findings = { rows: [], bounds: [] };
    for (const graph of graphs) {
      const found = await compare(graph, pools);
      findings.rows.push(found);
      findings.bounds.push(atLeast(`${graph.name}: tuned / batch 1`, found.share.median, shareMin));
    }
    return findings;
  } finally {
    pools.single.close();
    pools.tuned.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function createPool(): GpuPool {
  return new GpuPool({
    devices: [0],
    providers: { order: ['cuda', 'cpu'], explicit: false },
    threads: 1,
    runSecondsMax: 60,
    growthBytesMax: 2 ** 40,
    onChange: () => {},
    onBatch: () => {},
  });
}

/** The default model's own graph, and generated ones of the same shape that take less and more time. */
async function graphsIn(folder: string): Promise<Graph[]> {
  const bisque = await readModel(join(modelsFolder, 'bisque/1'), { name: 'bisque', version: '1' });
  if (!isGraphModel(bisque)) throw new Error('the default model has no graph; this is a bug');
  const generated = async (name: string, layers: number): Promise<Graph> => {
    const write = (maximum: number) =>
      writeModel(folder, { depth: heavyInflation(layers) }, { name: `${name}-${maximum}`, batch: { maximum } });
    return { graph: 'depth', name, single: await write(1), tuned: await write(batchMaximum) };
  };
  return [
    { graph: 'depth', name: bisque.id, single: withBatch(bisque, 1), tuned: withBatch(bisque, batchMaximum) },
    await generated('convolutions-0', 0),
    await generated('convolutions-10', 10),
  ];
}

function withBatch<Model extends LaneModel>(model: Model, maximum: number): Model {
  return { ...model, manifest: { ...model.manifest, batch: { maximum } } };
}

async function compare({ name, graph, single, tuned }: Graph, pools: Record<'single' | 'tuned', GpuPool>) {
  // The tuned pool has climbed by the end of the first round, which does not count.
  await rowsASecond(pools.tuned, tuned, graph);
  await rowsASecond(pools.single, single, graph);
  const taken: Record<'single' | 'tuned', number[]> = { single: [], tuned: [] };
  for (let repeat = 0; repeat < repeats; repeat++) {
    taken.single.push(await rowsASecond(pools.single, single, graph));
    taken.tuned.push(await rowsASecond(pools.tuned, tuned, graph));
  }
  const limit = pools.tuned.batchLimits.find(({ model }) => model === tuned.id)?.limit ?? NaN;
  return {
    model: name,
    provider: pools.tuned.lanes[0]?.provider,
    single: spread(taken.single),
    tuned: spread(taken.tuned),
    share: ratios(taken.tuned, taken.single),
    chosenBatch: limit,
  };
}

async function rowsASecond(pool: GpuPool, model: LaneModel, graph: string): Promise<number> {
  const image = { data: new Float32Array(5 * 64 * 64).fill(0.5), dims: [1, 5, 64, 64] };
  const startMs = performance.now();
  const endMs = startMs + secondsEach * 1000;
  let rows = 0;
  const repeat = async () => {
    while (performance.now() < endMs) {
      await pool.infer({ model, graph, inputs: { image }, signal });
      rows += 1;
    }
  };
  await Promise.all(Array.from({ length: outstanding }, repeat));
  return (1000 * rows) / (performance.now() - startMs);
}
