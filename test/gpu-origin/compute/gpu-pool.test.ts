import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { GpuPool, type BatchRun } from '../../../gpu-origin/compute/gpu-pool.ts';
import type { Tensor } from '../../../gpu-origin/pipeline/tensor.ts';
import { doubling, heavyInflation, writeModel, writeSquaring } from '../support/models.ts';
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
const bytes = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
const row = (...data: number[]): Tensor => ({ data: Float32Array.from(data), dims: [1, data.length] });
const picture = (): Tensor => ({ data: new Float32Array(5 * 64 * 64).fill(0.5), dims: [1, 5, 64, 64] });
const heavyRun = (model: { id: string; digest: string }) => ({
  model,
  graph: 'depth',
  inputs: { image: picture() },
  signal,
});
const pidOf = (pool: GpuPool) => {
  const pid = pool.lanes[0]?.pid;
  if (typeof pid !== 'number') throw new Error('the lane has no process');
  return pid;
};

test('a graph runs in another process and tells where it ran', async () => {
  const model = await writeModel(root, { double: doubling });
  const { pool } = createPool();
  await pool.setModels([model]);
  const ran = await pool.infer({ model, graph: 'double', inputs: { x: row(1, 2, 3, 4) }, signal });
  expect([...(ran.outputs.y?.data ?? [])]).toEqual([2, 4, 6, 8]);
  expect(ran).toMatchObject({ provider: 'cpu', degraded: false });
  expect(ran.gpuMs).toBeGreaterThan(0);
  expect(pidOf(pool)).not.toBe(process.pid);
});

test('where it pays, batches form while one runs, up to the maximum, and each run gets its own rows', async () => {
  const model = await writeModel(root, { double: doubling }, { batch: { maximum: 8 } });
  const { pool, batches } = createPool();
  await pool.setModels([model]);
  // A run of microseconds: the way to the process and back is what a batch shares.
  const runs = await Promise.all(
    Array.from({ length: 800 }, (_, i) =>
      pool.infer({ model, graph: 'double', inputs: { x: row(i, 0, 0, 1) }, signal }),
    ),
  );
  runs.forEach((run, i) => {
    expect(run.outputs.y?.dims).toEqual([1, 4]);
    expect([...(run.outputs.y?.data ?? [])]).toEqual([2 * i, 0, 0, 2]);
  });
  expect(batches.reduce((sum, { rows }) => sum + rows, 0)).toBe(800);
  expect(Math.max(...batches.map(({ rows }) => rows))).toBe(8);
  expect(batches.length).toBeLessThan(400);
  expect(pool.batchLimits).toEqual([{ model: model.id, graph: 'double', limit: expect.any(Number) as number }]);
});

test('a model whose graph takes one input is run one by one', async () => {
  const single: OnnxGraph = {
    inputs: { x: { shape: [1, 4] } },
    outputs: { y: { shape: [1, 4] } },
    nodes: doubling.nodes,
  };
  const model = await writeModel(root, { double: single });
  const { pool, batches } = createPool();
  await pool.setModels([model]);
  const double = () => pool.infer({ model, graph: 'double', inputs: { x: row(1, 2, 3, 4) }, signal });
  await Promise.all(Array.from({ length: 50 }, double));
  expect(batches.map(({ rows }) => rows)).toEqual(Array.from({ length: 50 }, () => 1));
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
  const model = await writeModel(root, { pick: picking });
  const { pool, batches } = createPool();
  await pool.setModels([model]);
  const pick = (index: number) => pool.infer({ model, graph: 'pick', inputs: { x: row(index) }, signal });
  await Promise.all(Array.from({ length: 400 }, () => pick(1))); // batches have grown by now
  const before = batches.length;
  const picked = await Promise.allSettled(Array.from({ length: 40 }, (_, i) => pick(i === 20 ? 99 : i % 3)));
  expect(batches.slice(before).some(({ rows }) => rows > 1)).toBe(true);
  picked.forEach((run, i) => {
    if (i === 20) expect(String(run.status === 'rejected' && run.reason)).toMatch(/out of.*bounds/i);
    else expect(run.status === 'fulfilled' && run.value.outputs.y?.data[0]).toBe(10 * ((i % 3) + 1));
  });
});

test('a run whose process is killed is run once more on the next process', async () => {
  const model = await writeModel(root, { depth: heavyInflation(60) });
  const { pool } = createPool();
  await pool.setModels([model]);
  const run = pool.infer(heavyRun(model));
  process.kill(pidOf(pool), 'SIGKILL');
  expect((await run).outputs.front?.data[0]).toBeCloseTo(0.5, 4);
  expect(pool.lanes[0]).toMatchObject({ state: 'ready', restarts: 1 });
});

test('of two devices an idle one is given a run at once, and each one more ahead before any waits', async () => {
  const model = await writeModel(root, { depth: heavyInflation(30) }, { batch: { maximum: 1 } });
  const { pool, batches } = createPool({ devices: [0, 1] });
  await pool.setModels([model]);
  const first = pool.infer(heavyRun(model));
  expect(pool.lanes.map(({ running }) => running)).toEqual([true, false]);
  await sleep(20);
  const second = pool.infer(heavyRun(model));
  expect(pool.lanes.map(({ running }) => running)).toEqual([true, true]);
  // One more goes ahead to each, and only then does one wait.
  const more = [pool.infer(heavyRun(model)), pool.infer(heavyRun(model))];
  expect(pool.depth).toBe(0);
  const waiting = pool.infer(heavyRun(model));
  expect(pool.depth).toBe(1);
  await Promise.all([first, second, ...more, waiting]);
  const runs = (device: number) => batches.filter((batch) => batch.device === device).length;
  expect([runs(0), runs(1)].toSorted()).toEqual([2, 3]);
});

test('a run whose process is killed is run again on the other device, without waiting for the restart', async () => {
  const model = await writeModel(root, { depth: heavyInflation(60) }, { batch: { maximum: 1 } });
  const { pool, batches } = createPool({ devices: [0, 1] });
  await pool.setModels([model]);
  const run = pool.infer(heavyRun(model));
  expect(pool.lanes.map(({ running }) => running)).toEqual([true, false]);
  process.kill(pidOf(pool), 'SIGKILL');
  expect((await run).outputs.front?.data[0]).toBeCloseTo(0.5, 4);
  expect(batches.map(({ device }) => device)).toEqual([1]);
  expect(pool.lanes.map(({ restarts }) => restarts)).toEqual([1, 0]);
});

test('a run that ends a process on each of two devices fails with the cause', async () => {
  const model = await writeModel(root, { depth: heavyInflation(60) }, { batch: { maximum: 1 } });
  const { pool } = createPool({ devices: [0, 1] });
  await pool.setModels([model]);
  const run = pool.infer(heavyRun(model));
  run.catch(() => undefined);
  for (const device of [0, 1]) {
    await vi.waitFor(() => expect(pool.lanes[device]?.running).toBe(true), { timeout: 5000, interval: 5 });
    process.kill(pool.lanes[device]?.pid ?? 0, 'SIGKILL');
  }
  await expect(run).rejects.toThrow('The GPU process ended by SIGKILL');
});

test('a model is run at every warm-up batch before it is served, in the shapes of real requests', async () => {
  // Only [1, 6, 3] and [2, 6, 3] can be laid out so; any other shape fails when it is run, not when it is loaded.
  const picky: OnnxGraph = {
    inputs: { points: { shape: ['N', 'P', 3] } },
    outputs: { y: { shape: ['N', 18] } },
    constants: { whole: { dims: [2], data: [-1, 18] }, pair: { dims: [2], data: [2, 18] } },
    nodes: [{ op: 'Reshape', inputs: ['points', 'whole'], outputs: ['y'] }],
  };
  const onlyPairs = { ...picky, nodes: [{ op: 'Reshape', inputs: ['points', 'pair'], outputs: ['y'] }] };
  const field = (pointsPerRun: number) => ({ threshold: 0, radius: 1, pointsPerRun });
  const write = (name: string, graph: OnnxGraph, change: { pointsPerRun: number; batches: number[] }) =>
    writeModel(
      root,
      { decoder: graph },
      { name, field: field(change.pointsPerRun), warm_up: { batches: change.batches } },
    );
  const right = await write('right', picky, { pointsPerRun: 6, batches: [1, 2] });
  const otherPoints = await write('points', picky, { pointsPerRun: 5, batches: [1] });
  const otherBatch = await write('batch', onlyPairs, { pointsPerRun: 6, batches: [2, 1] });
  const { pool } = createPool();
  await pool.setModels([right, otherPoints, otherBatch]);
  expect([right, otherPoints, otherBatch].map((model) => pool.serves(model))).toEqual([true, false, false]);
  for (const model of [otherPoints, otherBatch]) expect(pool.faultOf(model)).toMatch(/Reshape/);
});

test('a run that ends two processes fails with the cause, and the lane goes on', async () => {
  const model = await writeModel(root, { double: doubling, depth: heavyInflation(60) });
  let kill = true;
  const { pool } = createPool({
    onChange: () => {
      // The run goes to the new process right after this call.
      const { pid = null, state } = pool.lanes[0] ?? {};
      if (kill && state === 'ready' && pid !== null) setTimeout(() => process.kill(pid, 'SIGKILL'), 50);
    },
  });
  await pool.setModels([model]);
  await expect(pool.infer(heavyRun(model))).rejects.toThrow('The GPU process ended by SIGKILL');
  kill = false;
  const after = await pool.infer({ model, graph: 'double', inputs: { x: row(1, 1, 1, 1) }, signal });
  expect(after.outputs.y?.data[0]).toBe(2);
});

test('a run that hangs past its limit ends its process and says so', async () => {
  const model = await writeModel(root, { double: doubling, depth: heavyInflation(100) });
  const { pool } = createPool({ runSecondsMax: 0.05 });
  await pool.setModels([model]);
  await expect(pool.infer(heavyRun(model))).rejects.toThrow('The GPU process gave no answer within 0.05 s');
});

test('a waiting run that is aborted never reaches the process', async () => {
  const model = await writeModel(root, { depth: heavyInflation(20) }, { batch: { maximum: 1 } });
  const { pool, batches } = createPool();
  await pool.setModels([model]);
  const kept = [pool.infer(heavyRun(model)), pool.infer(heavyRun(model))];
  const leaving = new AbortController();
  const third = pool.infer({ ...heavyRun(model), signal: leaving.signal });
  leaving.abort(new Error('nobody waits'));
  await expect(third).rejects.toThrow('nobody waits');
  await Promise.all(kept);
  await pool.infer(heavyRun(model));
  expect(batches).toHaveLength(3);
});

test('one run that cannot join a larger batch goes ahead to the process while another runs', async () => {
  const model = await writeModel(root, { depth: heavyInflation(20) }, { batch: { maximum: 1 } });
  const { pool, batches } = createPool();
  await pool.setModels([model]);
  const runs = [1, 2, 3].map(() => pool.infer(heavyRun(model)));
  expect(pool.depth).toBe(1);
  await Promise.all(runs);
  expect(batches).toHaveLength(3);
});

test('a run that went ahead to a process is not held to account for the end of it', async () => {
  const model = await writeModel(root, { depth: heavyInflation(60) }, { batch: { maximum: 1 } });
  let kills = 0;
  const { pool } = createPool({
    onChange: () => {
      const { pid = null, state } = pool.lanes[0] ?? {};
      if (state !== 'ready' || pid === null || kills === 2) return;
      kills += 1;
      setTimeout(() => process.kill(pid, 'SIGKILL'), 50);
    },
  });
  await pool.setModels([model]);
  // The older run is in both processes that are killed, with the other one waiting behind it.
  const runs = [1, 2].map((jobBegunMs) => pool.infer({ ...heavyRun(model), jobBegunMs }));
  const outcomes = await Promise.allSettled(runs);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  expect(kills).toBe(2);
});

test('a process whose memory has grown is replaced between two runs, and no run fails', async () => {
  const model = await writeModel(root, { depth: heavyInflation(2) });
  const { pool } = createPool({ growthBytesMax: -(2 ** 40) });
  await pool.setModels([model]);
  const before = pidOf(pool);
  await pool.infer(heavyRun(model));
  await pool.infer(heavyRun(model));
  expect(pidOf(pool)).not.toBe(before);
  expect(pool.lanes[0]?.restarts).toBeGreaterThan(0);
});

test('what a process ran is not what it holds: tensors of runs that are over are freed', async () => {
  const numbers = 2 ** 18;
  const large: OnnxGraph = {
    inputs: { x: { shape: [1, numbers] } },
    outputs: { y: { shape: [1, numbers] } },
    nodes: doubling.nodes,
  };
  const model = await writeModel(root, { double: large });
  const { pool } = createPool();
  await pool.setModels([model]);
  const residentMiB: number[] = [];
  for (let i = 0; i < 40; i++) {
    await pool.infer({
      model,
      graph: 'double',
      inputs: { x: { data: new Float32Array(numbers), dims: [1, numbers] } },
      signal,
    });
    residentMiB.push((pool.lanes[0]?.residentBytes ?? NaN) / 2 ** 20);
  }
  // Left to itself, the process had 48 MiB more after 16 of these runs of 2 MiB.
  expect(Math.max(...residentMiB) - (residentMiB[5] ?? NaN)).toBeLessThan(24);
});

test('a provider that is not there falls back to the next, and is degraded only when it was asked for', async () => {
  const model = await writeModel(root, { double: doubling });
  const run = { model, graph: 'double', inputs: { x: row(1, 2, 3, 4) }, signal };
  for (const explicit of [false, true]) {
    // No machine has a device 99, whatever libraries it has.
    const { pool } = createPool({ devices: [99], providers: { order: ['cuda', 'cpu'], explicit } });
    await pool.setModels([model]);
    expect(await pool.infer(run)).toMatchObject({ provider: 'cpu', degraded: explicit });
    const [refusal] = pool.lanes[0]?.refusals ?? [];
    expect(refusal?.provider).toBe('cuda');
    expect(refusal?.cause).toMatch(/cuda/i);
    // The library's own words, which the thrown error leaves out.
    expect(pool.lanes[0]?.errorText).toMatch(/cannot open shared object file|invalid device ordinal/i);
  }
});

test('golden outputs within the tolerance load, others keep the model out with the figure', async () => {
  const golden = { inputs: { x: 'x.f32' }, outputs: { y: 'y.f32' }, relative_tolerance: 0.001 };
  const x = { 'x.f32': bytes(1, 2, 3, 4) };
  const near = { ...x, 'y.f32': bytes(2, 4, 6, 8.001) };
  const far = { ...x, 'y.f32': bytes(2, 4, 6, 9) };
  const good = await writeModel(root, { double: doubling }, { name: 'good', golden }, near);
  const bad = await writeModel(root, { double: doubling }, { name: 'bad', golden }, far);
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
  const ran = await pool.infer({ model, graph: 'double', inputs: { x: row(0.5, 1, 1.5, 2) }, signal });
  expect([...(ran.outputs.y?.data ?? [])]).toEqual([1, 2, 3, 4]);
});

test('a provider that a variant is for runs its file, checked by its own tolerance; another runs the graph itself', async () => {
  const half = await writeSquaring(root, { providers: ['cpu'], tolerance: 1e-3 }, { name: 'half' });
  const whole = await writeSquaring(root, { providers: ['cuda', 'webgpu'], tolerance: 1e-3 }, { name: 'whole' });
  const { pool } = createPool();
  await pool.setModels([half, whole]);
  const square = async (model: typeof half) => {
    const { outputs } = await pool.infer({ model, graph: 'square', inputs: { x: row(1 / 3) }, signal });
    return Math.abs((outputs.y?.data[0] ?? NaN) * 9 - 1);
  };
  expect(await square(half)).toBeGreaterThan(1e-4);
  expect(await square(half)).toBeLessThan(1e-3);
  expect(await square(whole)).toBeLessThan(1e-6);
  const errors = Object.fromEntries(pool.lanes[0]?.models.map(({ id, goldenError }) => [id, goldenError]) ?? []);
  expect(errors[half.id]).toBeCloseTo(await square(half), 6);
  expect(errors[whole.id]).toBeLessThan(1e-6);
});

test('a variant that is further off than its tolerance keeps the model out with the figure', async () => {
  const model = await writeSquaring(root, { providers: ['cpu'], tolerance: 1e-4 });
  const { pool } = createPool();
  await pool.setModels([model]);
  expect(pool.faultOf(model)).toMatch(/golden output "y" is off by 0\.000\d+, more than 0\.0001/);
});

test('a run of a model that was replaced meanwhile is refused, also when its process ended with it', async () => {
  const old = await writeModel(root, { depth: heavyInflation(60) });
  const { pool } = createPool();
  await pool.setModels([old]);
  const running = pool.infer(heavyRun(old));
  const pid = pidOf(pool);
  const replaced = await writeModel(root, { depth: heavyInflation(1) });
  const set = pool.setModels([replaced]);
  await expect(pool.infer(heavyRun(old))).rejects.toThrow('no longer serves small@1');
  process.kill(pid, 'SIGKILL');
  await expect(running).rejects.toThrow('no longer serves small@1');
  await set;
  expect((await pool.infer(heavyRun(replaced))).outputs.front?.data[0]).toBeCloseTo(0.5, 4);
});

test('models come and go while the process stays', async () => {
  const first = await writeModel(root, { double: doubling }, { name: 'first' });
  const second = await writeModel(root, { double: doubling }, { name: 'second' });
  const { pool } = createPool();
  await pool.setModels([first]);
  const pid = pidOf(pool);
  await pool.setModels([second]);
  const run = (model: { id: string; digest: string }) =>
    pool.infer({ model, graph: 'double', inputs: { x: row(1, 2, 3, 4) }, signal });
  expect((await run(second)).outputs.y?.data[0]).toBe(2);
  await expect(run(first)).rejects.toThrow('no longer serves first@1');
  expect(pidOf(pool)).toBe(pid);
});
