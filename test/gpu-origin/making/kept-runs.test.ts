import { readdirSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keepRuns } from '../../../gpu-origin/making/kept-runs.ts';
import type { Infer } from '../../../gpu-origin/families/family.ts';

const MiB = 2 ** 20;

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runs-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Counts its runs, each of which gives so many bytes. */
function accelerator(bytes: number) {
  let count = 0;
  const infer: Infer = async () => {
    count += 1;
    const y = { data: new Float32Array(bytes / 4).fill(count), dims: [bytes / 4] };
    return { outputs: { y }, gpuMs: 1, provider: 'cpu', degraded: false };
  };
  return { infer, runs: () => count };
}

const runOf = (x: number, change: Partial<Parameters<Infer>[0]> = {}) => ({
  model: { id: 'small@1', digest: 'a' },
  graph: 'depth',
  inputs: { x: { data: Float32Array.of(x), dims: [1] } },
  signal: new AbortController().signal,
  ...change,
});

test('what a run gave is there for the next process, for the same input of the same content alone', async () => {
  const { infer, runs } = accelerator(4);
  await keepRuns(infer, folder)(runOf(1));
  const next = keepRuns(infer, folder);
  expect((await next(runOf(1))).outputs.y?.data[0]).toBe(1);
  expect(runs()).toBe(1);
  await next(runOf(2));
  await next(runOf(1, { model: { id: 'small@1', digest: 'b' } }));
  expect(runs()).toBe(3);
});

test('what a run gave is on disk before anything else happens in the process', async () => {
  const { infer } = accelerator(4);
  const [begun, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const keeping = keepRuns(async (run) => {
    begun.resolve();
    await ended.promise;
    return infer(run);
  }, folder);
  const kept = keeping(runOf(1));
  await begun.promise;
  ended.resolve();
  for (let microtask = 0; microtask < 10; microtask++) await Promise.resolve();
  expect(readdirSync(folder)).toHaveLength(1);
  await kept;
});

test('a job keeps 16 MiB of outputs, those of an earlier process included', async () => {
  const { infer, runs } = accelerator(6 * MiB);
  const first = keepRuns(infer, folder);
  for (const x of [1, 2, 3]) await first(runOf(x));
  expect(await readdir(folder)).toHaveLength(2);
  const next = keepRuns(infer, folder);
  for (const x of [1, 2, 3, 4]) await next(runOf(x));
  expect(await readdir(folder)).toHaveLength(2);
  expect(runs()).toBe(5);
});

test('one of many runs is not kept', async () => {
  const { infer, runs } = accelerator(4);
  const keeping = keepRuns(infer, folder);
  for (let i = 0; i < 3; i += 1) await keeping(runOf(1, { oneOfMany: true }));
  expect([runs(), await readdir(folder)]).toEqual([3, []]);
});
