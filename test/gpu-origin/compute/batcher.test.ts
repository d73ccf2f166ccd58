import { expect, test } from 'vitest';
import { Batcher, joinInputs, splitOutputs, type PendingRun } from '../../../gpu-origin/compute/batcher.ts';
import type { LaneModel } from '../../../gpu-origin/compute/lane.ts';

const model = { id: 'small@1', digest: 'a' } as LaneModel;

function pending(dims: number[], change: Partial<PendingRun> = {}): PendingRun {
  const data = new Float32Array(dims.reduce((product, size) => product * size, 1));
  return {
    model,
    graph: 'double',
    inputs: { x: { data, dims } },
    signal: new AbortController().signal,
    jobBegunMs: 0,
    batchable: true,
    crashes: 0,
    failedBatch: null,
    resolve: () => {},
    reject: () => {},
    ...change,
  };
}

const all = () => true;

function batcherOf(runs: PendingRun[]): Batcher {
  const batcher = new Batcher();
  for (const run of runs) batcher.add(run);
  return batcher;
}

test('runs of one graph and shape are taken together, in their order, up to the maximum of rows', () => {
  const runs = [pending([1, 4]), pending([1, 4]), pending([2, 4]), pending([1, 4])];
  const batcher = batcherOf(runs);
  expect(batcher.next(all, () => 4)).toEqual(runs.slice(0, 3));
  expect(batcher.next(all, () => 4)).toEqual(runs.slice(3));
  expect(batcher.next(all, () => 4)).toEqual([]);
});

test('runs of an older job go before those of newer jobs that came first, and jobs of one age in their order', () => {
  const newer = pending([1, 4], { jobBegunMs: 2 });
  const older = [pending([1, 5], { jobBegunMs: 1 }), pending([1, 6], { jobBegunMs: 1 })];
  const batcher = batcherOf([newer, ...older]);
  expect([1, 2, 3].flatMap(() => batcher.next(all, () => 8))).toEqual([...older, newer]);
});

test('a batch that could still grow is not taken when a full one is asked for', () => {
  const batcher = batcherOf([pending([1, 4]), pending([1, 4])]);
  expect(batcher.next(all, () => 3, { full: true })).toEqual([]);
  batcher.add(pending([1, 4]));
  expect(batcher.next(all, () => 3, { full: true })).toHaveLength(3);
  batcher.add(pending([1, 4], { batchable: false }));
  expect(batcher.next(all, () => 3, { full: true })).toHaveLength(1);
});

test('runs of another shape, graph or model wait for a batch of their own', () => {
  const runs = [
    pending([1, 4]),
    pending([1, 5]),
    pending([1, 4], { graph: 'other' }),
    pending([1, 4], { model: { ...model, digest: 'b' } }),
    pending([1, 4]),
  ];
  const batcher = batcherOf(runs);
  expect(batcher.next(all, () => 8)).toEqual([runs[0], runs[4]]);
  expect([1, 2, 3].map(() => batcher.next(all, () => 8).length)).toEqual([1, 1, 1]);
});

test('a run larger than the maximum goes alone rather than never', () => {
  const large = pending([16, 4]);
  expect(batcherOf([large, pending([1, 4])]).next(all, () => 8)).toEqual([large]);
});

test('a run that is not to be batched goes alone, and joins no batch', () => {
  const alone = pending([1, 4], { batchable: false });
  const runs = [pending([1, 4]), alone, pending([1, 4])];
  const batcher = batcherOf(runs);
  expect(batcher.next(all, () => 8)).toEqual([runs[0], runs[2]]);
  expect(batcher.next(all, () => 8)).toEqual([alone]);
});

test('aborted runs are dropped when a batch forms', () => {
  const left = pending([1, 4], { signal: AbortSignal.abort() });
  const stays = pending([1, 4]);
  const batcher = batcherOf([left, stays]);
  expect(batcher.next(all, () => 8)).toEqual([stays]);
  expect(batcher.depth).toBe(0);
});

test('a lane gets only what it can run', () => {
  const other = pending([1, 4], { graph: 'other' });
  const mine = pending([1, 4]);
  expect(
    batcherOf([other, mine]).next(
      (run) => run.graph === 'double',
      () => 8,
    ),
  ).toEqual([mine]);
});

test('joined inputs and split outputs give each run its own rows', () => {
  const first = pending([1, 2], { inputs: { x: { data: Float32Array.of(1, 2), dims: [1, 2] } } });
  const second = pending([2, 2], { inputs: { x: { data: Float32Array.of(3, 4, 5, 6), dims: [2, 2] } } });
  expect(joinInputs([first, second])).toEqual({ x: { data: Float32Array.of(1, 2, 3, 4, 5, 6), dims: [3, 2] } });
  const y = { data: Float32Array.of(10, 20, 30), dims: [3, 1] };
  expect(splitOutputs([first, second], { y })).toEqual([
    { y: { data: Float32Array.of(10), dims: [1, 1] } },
    { y: { data: Float32Array.of(20, 30), dims: [2, 1] } },
  ]);
});

test('outputs that lost a row are an error rather than another run’s rows', () => {
  const batch = [pending([1, 2]), pending([1, 2])];
  expect(() => splitOutputs(batch, { y: { data: new Float32Array(1), dims: [1, 1] } })).toThrow(
    'has 1 rows for a batch of 2',
  );
});
