import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GpuPool, type BatchRun } from '../../../gpu-origin/compute/gpu-pool.ts';
import type { Tensor } from '../../../gpu-origin/pipeline/tensor.ts';
import { doubling, heavyInflation, writeModel } from '../support/models.ts';
import type { OnnxGraph } from '../support/onnx.ts';

let root = '';
let pools: GpuPool[] = [];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'models-'));
  pools = [];
});
afterEach(async () => {
  for (const pool of pools) pool.close();
  await rm(root, { recursive: true });
});

type PoolOptions = ConstructorParameters<typeof GpuPool>[0];

function createPool(change: Partial<PoolOptions> = {}) {
  const batches: BatchRun[] = [];
  const pool = new GpuPool({
    devices: [0],
    providers: { order: ['cpu'], explicit: false },
    threads: 1,
    runSecondsMax: 60,
    growthBytesMax: 2 ** 40,
    onChange: () => {},
    onBatch: (batch) => batches.push(batch),
    ...change,
  });
  pools.push(pool);
  return { pool, batches };
}

const signal = new AbortController().signal;
const row = (...data: number[]): Tensor => ({ data: Float32Array.from(data), dims: [1, data.length] });
const picture = (): Tensor => ({ data: new Float32Array(5 * 64 * 64).fill(0.5), dims: [1, 5, 64, 64] });
const heavyRun = (model: string) => ({ model, graph: 'depth', inputs: { image: picture() }, signal });
const pidOf = (pool: GpuPool) => {
  const pid = pool.lanes[0]?.pid;
  if (typeof pid !== 'number') throw new Error('the lane has no process');
  return pid;
};

test('a graph runs in another process and tells where it ran', async () => {
  const model = await writeModel(root, { double: doubling });
  const { pool } = createPool();
  await pool.setModels([model]);
  const ran = await pool.infer({ model: model.id, graph: 'double', inputs: { x: row(1, 2, 3, 4) }, signal });
  expect([...(ran.outputs.y?.data ?? [])]).toEqual([2, 4, 6, 8]);
  expect(ran).toMatchObject({ provider: 'cpu', degraded: false });
  expect(ran.gpuMs).toBeGreaterThan(0);
  expect(pidOf(pool)).not.toBe(process.pid);
});

test('a batch forms while one runs, up to the maximum, and each run gets its own rows', async () => {
  const model = await writeModel(root, { depth: heavyInflation(10) }, { batch: { maximum: 4 } });
  const { pool, batches } = createPool();
  await pool.setModels([model]);
  const runs = await Promise.all(
    Array.from({ length: 7 }, (_, i) => {
      const image = picture();
      image.data.fill(i, 4 * 64 * 64); // the inflation channel, which comes out again as the front sheet
      return pool.infer({ model: model.id, graph: 'depth', inputs: { image }, signal });
    }),
  );
  expect(batches.map(({ rows }) => rows)).toEqual([1, 4, 2]);
  runs.forEach((run, i) => {
    expect(run.outputs.front?.dims).toEqual([1, 1, 64, 64]);
    expect(run.outputs.front?.data[0]).toBeCloseTo(i, 4);
    expect(run.outputs.back?.data[0]).toBeCloseTo(-i, 4);
  });
});

test('inputs of different shapes are never one batch', async () => {
  const wide: OnnxGraph = {
    inputs: { x: { shape: ['N', 'W'] } },
    outputs: { y: { shape: ['N', 'W'] } },
    nodes: doubling.nodes,
  };
  const model = await writeModel(root, { double: wide, depth: heavyInflation(10) });
  const { pool, batches } = createPool();
  await pool.setModels([model]);
  const double = (...data: number[]) =>
    pool.infer({ model: model.id, graph: 'double', inputs: { x: row(...data) }, signal });
  const [, two, three, twoMore] = await Promise.all([
    pool.infer(heavyRun(model.id)),
    double(1, 2),
    double(1, 2, 3),
    double(3, 4),
  ]);
  expect(batches.map(({ graph, rows }) => `${graph} ${rows}`)).toEqual(['depth 1', 'double 2', 'double 1']);
  expect([two, three, twoMore].map((run) => [...(run.outputs.y?.data ?? [])])).toEqual([
    [2, 4],
    [2, 4, 6],
    [6, 8],
  ]);
});

test('a batch that fails is run again one by one, so that only the bad input fails', async () => {
  // Gather fails at run time on an index that is out of bounds, and with it the whole batch.
  const picking: OnnxGraph = {
    inputs: { x: { shape: ['N', 1] } },
    outputs: { y: { shape: ['N', 1] } },
    constants: { table: { dims: [3], data: Float32Array.of(10, 20, 30) } },
    nodes: [
      { op: 'Cast', inputs: ['x'], outputs: ['index'], attributes: { to: 7 } },
      { op: 'Gather', inputs: ['table', 'index'], outputs: ['y'] },
    ],
  };
  const model = await writeModel(root, { pick: picking, depth: heavyInflation(10) });
  const { pool } = createPool();
  await pool.setModels([model]);
  const pick = (index: number) => pool.infer({ model: model.id, graph: 'pick', inputs: { x: row(index) }, signal });
  const [, ...picked] = await Promise.allSettled([pool.infer(heavyRun(model.id)), pick(0), pick(99), pick(2)]);
  expect(picked.map((run) => (run.status === 'fulfilled' ? run.value.outputs.y?.data[0] : 'failed'))).toEqual([
    10,
    'failed',
    30,
  ]);
  expect(String(picked[1]?.status === 'rejected' && picked[1].reason)).toMatch(/out of.*bounds/i);
});

test('a run whose process is killed is run once more on the next process', async () => {
  const model = await writeModel(root, { depth: heavyInflation(60) });
  const { pool } = createPool();
  await pool.setModels([model]);
  const run = pool.infer(heavyRun(model.id));
  process.kill(pidOf(pool), 'SIGKILL');
  expect((await run).outputs.front?.data[0]).toBeCloseTo(0.5, 4);
  expect(pool.lanes[0]).toMatchObject({ state: 'ready', restarts: 1 });
});

test('a run that ends two processes fails with the cause, and the lane goes on', async () => {
  const model = await writeModel(root, { double: doubling, depth: heavyInflation(60) });
  let kill = true;
  const { pool } = createPool({
    onChange: () => {
      // The run goes to the new process right after this call.
      const pid = pool.lanes[0]?.pid;
      if (kill && pool.ready && pid) setTimeout(() => process.kill(pid, 'SIGKILL'), 50);
    },
  });
  await pool.setModels([model]);
  await expect(pool.infer(heavyRun(model.id))).rejects.toThrow('The GPU process ended by SIGKILL');
  kill = false;
  const after = await pool.infer({ model: model.id, graph: 'double', inputs: { x: row(1, 1, 1, 1) }, signal });
  expect(after.outputs.y?.data[0]).toBe(2);
});

test('a run that hangs past its limit ends its process and says so', async () => {
  const model = await writeModel(root, { double: doubling, depth: heavyInflation(100) });
  const { pool } = createPool({ runSecondsMax: 0.05 });
  await pool.setModels([model]);
  await expect(pool.infer(heavyRun(model.id))).rejects.toThrow('The GPU process gave no answer within 0.05 s');
});

test('a waiting run that is aborted never reaches the process', async () => {
  const model = await writeModel(root, { depth: heavyInflation(20) }, { batch: { maximum: 1 } });
  const { pool, batches } = createPool();
  await pool.setModels([model]);
  const first = pool.infer(heavyRun(model.id));
  const leaving = new AbortController();
  const second = pool.infer({ ...heavyRun(model.id), signal: leaving.signal });
  leaving.abort(new Error('nobody waits'));
  await expect(second).rejects.toThrow('nobody waits');
  await first;
  await pool.infer(heavyRun(model.id));
  expect(batches).toHaveLength(2);
});

test('a process whose memory has grown is replaced between two runs, and no run fails', async () => {
  const model = await writeModel(root, { depth: heavyInflation(2) });
  const { pool } = createPool({ growthBytesMax: -(2 ** 40) });
  await pool.setModels([model]);
  const before = pidOf(pool);
  await pool.infer(heavyRun(model.id));
  await pool.infer(heavyRun(model.id));
  expect(pidOf(pool)).not.toBe(before);
  expect(pool.lanes[0]?.restarts).toBeGreaterThan(0);
});

test('a provider that is not there falls back to the next, and is degraded only when it was asked for', async () => {
  const model = await writeModel(root, { double: doubling });
  const run = { model: model.id, graph: 'double', inputs: { x: row(1, 2, 3, 4) }, signal };
  for (const explicit of [false, true]) {
    // No machine has a device 99, whatever libraries it has.
    const { pool } = createPool({ devices: [99], providers: { order: ['cuda', 'cpu'], explicit } });
    await pool.setModels([model]);
    expect(await pool.infer(run)).toMatchObject({ provider: 'cpu', degraded: explicit });
    const [refusal] = pool.lanes[0]?.refusals ?? [];
    expect(refusal?.provider).toBe('cuda');
    expect(refusal?.cause).toMatch(/cuda/i);
  }
});

test('golden outputs within the tolerance load, others keep the model out with the figure', async () => {
  const bytes = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
  const golden = { inputs: { x: 'x.f32' }, outputs: { y: 'y.f32' }, relative_tolerance: 0.001 };
  const files = (last: number) => ({ 'x.f32': bytes(1, 2, 3, 4), 'y.f32': bytes(2, 4, 6, last) });
  const good = await writeModel(root, { double: doubling }, { name: 'good', golden }, files(8.001));
  const bad = await writeModel(root, { double: doubling }, { name: 'bad', golden }, files(9));
  const { pool } = createPool();
  await pool.setModels([good, bad]);
  expect(pool.serves(good)).toBe(true);
  expect(pool.serves(bad)).toBe(false);
  expect(pool.faultOf(bad)).toContain('golden output "y" is off by 0.0');
});

test('a manifest that names what its graph does not have keeps the model out with the field', async () => {
  const named = { inputs: { x: { type: 'float32' as const, shape: ['N', 4] } }, file: 'double.onnx' };
  const graphs = { double: { ...named, outputs: { z: { type: 'float32' as const, shape: ['N', 4] } } } };
  const model = await writeModel(root, { double: doubling }, { graphs });
  const { pool } = createPool();
  await pool.setModels([model]);
  expect(pool.faultOf(model)).toContain('graphs.double.outputs names "z", but the graph has y');
});

test('a float16 graph takes and gives float32 tensors', async () => {
  const half: OnnxGraph = {
    inputs: { x: { type: 'float16', shape: ['N', 4] } },
    outputs: { y: { type: 'float16', shape: ['N', 4] } },
    nodes: doubling.nodes,
  };
  const model = await writeModel(root, { double: half });
  const { pool } = createPool();
  await pool.setModels([model]);
  const ran = await pool.infer({ model: model.id, graph: 'double', inputs: { x: row(0.5, 1, 1.5, 2) }, signal });
  expect([...(ran.outputs.y?.data ?? [])]).toEqual([1, 2, 3, 4]);
});

test('models come and go while the process stays', async () => {
  const first = await writeModel(root, { double: doubling }, { name: 'first' });
  const second = await writeModel(root, { double: doubling }, { name: 'second' });
  const { pool } = createPool();
  await pool.setModels([first]);
  const pid = pidOf(pool);
  await pool.setModels([second]);
  const run = (model: string) => pool.infer({ model, graph: 'double', inputs: { x: row(1, 2, 3, 4) }, signal });
  expect((await run(second.id)).outputs.y?.data[0]).toBe(2);
  await expect(run(first.id)).rejects.toMatchObject({ code: 'internal_error', cause: 'it is not in the repository' });
  expect(pidOf(pool)).toBe(pid);
});
