import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GpuPool } from '../../gpu-origin/compute/gpu-pool.ts';
import type { LaneModel } from '../../gpu-origin/compute/lane.ts';
import { isGraphModel, readModel } from '../../gpu-origin/models/repository.ts';
import { heavyInflation, writeModel } from '../../test/gpu-origin/support/models.ts';
import { modelsFolder } from '../../test/gpu-origin/support/send-job.ts';
import { processCpuMs } from '../harness/cpu.ts';
import type { Findings } from '../harness/result.ts';
import { medianInterval, quotients, spread } from '../harness/spread.ts';
import { batchingPays } from '../validate/optimisation.ts';

/** Turns of each batching, an odd number; they take them one after the other, and begin in turn. */
const turns = 25;
/** Rows that one turn is to take at least, and the time that it is to take about. */
const rowsMin = 16;
const turnSeconds = 0.5;
/** What is run before it is measured: by then the tuned size has been climbed to. */
const warmUpSeconds = 5;
const batchMaximum = 8;
/** Runs that wait or run at any time, so that full batches can form. */
const outstanding = 2 * batchMaximum;

const signal = new AbortController().signal;

type Graph = { graph: string; name: string; single: LaneModel; tuned: LaneModel };

/** What a row costs with batches of the size that the pool finds by itself, beside one row at a time in the same run. */
export async function benchBatching(): Promise<Findings> {
  const rows = await compareBatching();
  return { rows, bounds: batchingPays(rows) };
}

/** The comparison alone, a row for each graph. */
export async function compareBatching(): Promise<Compared[]> {
  const folder = await mkdtemp(join(tmpdir(), 'meshkiln-bench-'));
  const pool = createPool();
  try {
    const graphs = await graphsIn(folder);
    // All in one process: two that do the same differ by more than what is to be seen.
    await pool.setModels(graphs.flatMap(({ single, tuned }) => [single, tuned]));
    const rows: Compared[] = [];
    for (const graph of graphs) rows.push(await compare(graph, pool));
    return rows;
  } finally {
    pool.close();
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

/** A model as if it were another one, with batches of up to so many rows. */
function withBatch<Model extends LaneModel>(model: Model, maximum: number): Model {
  const { id, digest, manifest } = model;
  return {
    ...model,
    id: `${id}-${maximum}`,
    digest: `${digest}-${maximum}`,
    manifest: { ...manifest, batch: { maximum } },
  };
}

type Compared = Awaited<ReturnType<typeof compare>>;
type Turn = { rowsASecond: number; msOfRow: number };

/**
 * Turns of both, one beside the other. A row's cost is the CPU time of the process that computes, which other
 * programs hardly change; where a device computes, its wall time. The share is that of batch 1's cost to the tuned one's,
 * pair by pair.
 */
async function compare({ name, graph, single, tuned }: Graph, pool: GpuPool) {
  const models = { single, tuned };
  const warm = await turnOf(pool, { model: models.tuned, graph, rows: Infinity, seconds: warmUpSeconds });
  await turnOf(pool, { model: models.single, graph, rows: Infinity, seconds: warmUpSeconds });
  const rows = Math.max(rowsMin, Math.round(warm.rowsASecond * turnSeconds));
  const taken: Record<'single' | 'tuned', Turn[]> = { single: [], tuned: [] };
  for (let turn = 0; turn < turns; turn++) {
    for (const which of turn % 2 === 0 ? (['single', 'tuned'] as const) : (['tuned', 'single'] as const)) {
      taken[which].push(await turnOf(pool, { model: models[which], graph, rows, seconds: Infinity }));
    }
  }
  const costs = (which: 'single' | 'tuned') => taken[which].map(({ msOfRow }) => msOfRow);
  return {
    model: name,
    provider: pool.lanes[0]?.provider,
    rowsASecondSingle: spread(taken.single.map(({ rowsASecond }) => rowsASecond)),
    rowsASecondTuned: spread(taken.tuned.map(({ rowsASecond }) => rowsASecond)),
    msOfRowSingle: spread(costs('single')),
    msOfRowTuned: spread(costs('tuned')),
    share: medianInterval(quotients(costs('single'), costs('tuned'))),
    chosenBatch: pool.batchLimits.find(({ model }) => model === tuned.id)?.limit ?? NaN,
  };
}

/** Runs so many rows, or for so long, with full batches in view all the time. */
async function turnOf(
  pool: GpuPool,
  { model, graph, rows, seconds }: { model: LaneModel; graph: string; rows: number; seconds: number },
): Promise<Turn> {
  const image = { data: new Float32Array(5 * 64 * 64).fill(0.5), dims: [1, 5, 64, 64] };
  const { pid = null, provider } = pool.lanes[0] ?? {};
  const ownMs = () => (provider === 'cpu' && pid !== null ? processCpuMs(pid) : NaN);
  const startMs = performance.now();
  const startOwnMs = ownMs();
  const endMs = startMs + seconds * 1000;
  let begun = 0;
  const repeat = async () => {
    while (begun < rows && performance.now() < endMs) {
      begun += 1;
      await pool.infer({ model, graph, inputs: { image }, signal });
    }
  };
  await Promise.all(Array.from({ length: outstanding }, repeat));
  const tookMs = performance.now() - startMs;
  const tookOwnMs = ownMs() - startOwnMs;
  return { rowsASecond: (1000 * begun) / tookMs, msOfRow: (Number.isNaN(tookOwnMs) ? tookMs : tookOwnMs) / begun };
}
