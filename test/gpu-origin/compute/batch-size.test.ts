import { expect, test } from 'vitest';
import { BatchSize } from '../../../gpu-origin/compute/batch-size.ts';

/** Runs full batches on a device whose time for a batch is `msOf(rows)`; gives the sizes that were run. */
function runFull(size: BatchSize, batches: number, msOf: (rows: number) => number): number[] {
  return Array.from({ length: batches }, () => {
    const rows = size.limit;
    size.record(rows, msOf(rows));
    return rows;
  });
}

const dearTogether = (rows: number) => (rows === 1 ? 10 : 15 * rows);
const bestInTheMiddle = (rows: number) => 20 + rows + (rows > 8 ? (rows - 8) * 40 : 0);
const busy = (rows: number) => 10 * rows ** 1.5;
const shareOf = (runs: number[], rows: number) => runs.filter((each) => each === rows).length / runs.length;

test('where a batch costs what one row costs, the maximum is found and kept', () => {
  const size = new BatchSize(12);
  runFull(size, 50, () => 10);
  expect(
    shareOf(
      runFull(size, 1000, () => 10),
      12,
    ),
  ).toBeGreaterThan(0.9);
});

test('where rows are not cheaper together, batches stay at one row but for rare trials', () => {
  const size = new BatchSize(8);
  const runs = runFull(size, 1000, (rows) => 10 * rows);
  expect(Math.max(...runs)).toBe(2);
  expect(shareOf(runs, 1)).toBeGreaterThan(0.95);
});

test('where two rows are worse than one by far, the whole loses less than five per cent', () => {
  const size = new BatchSize(8);
  let ms = 0;
  let rows = 0;
  for (const each of runFull(size, 1000, dearTogether)) {
    ms += dearTogether(each);
    rows += each;
  }
  expect(ms / rows).toBeLessThan(10.5);
});

test('the size in the middle that is fastest is found', () => {
  const size = new BatchSize(32);
  runFull(size, 200, bestInTheMiddle);
  expect(shareOf(runFull(size, 500, bestInTheMiddle), 8)).toBeGreaterThan(0.9);
});

test('when the device slows down for large batches, the size comes down again', () => {
  const size = new BatchSize(16);
  runFull(size, 100, () => 10);
  runFull(size, 5000, busy);
  expect(shareOf(runFull(size, 100, busy), 1)).toBeGreaterThan(0.8);
});

test('where now and then a batch must wait for other work, no size is kept that is dearer by a twentieth', () => {
  let state = 1;
  const random = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  const disturbed = (rows: number) => {
    const alone = rows * (rows === 1 ? 10 : 10.5) * (1 + 0.1 * random());
    return random() < 0.2 ? alone * (1 + random()) : alone;
  };
  const size = new BatchSize(8);
  expect(shareOf(runFull(size, 5000, disturbed), 1)).toBeGreaterThan(0.9);
});

test('the slow first batch of a new size does not count against it', () => {
  const seen = new Set<number>();
  const size = new BatchSize(4);
  const slowAtFirst = (rows: number) => {
    const first = !seen.has(rows);
    seen.add(rows);
    return first ? 1000 : 10;
  };
  runFull(size, 60, slowAtFirst);
  expect(shareOf(runFull(size, 500, slowAtFirst), 4)).toBeGreaterThan(0.9);
});

test('a batch that is not full says nothing', () => {
  const size = new BatchSize(8);
  for (let i = 0; i < 100; i += 1) size.record(3, 1);
  expect(size.limit).toBe(1);
});

test('a size that there is no memory for is not tried again', () => {
  const size = new BatchSize(8);
  runFull(size, 50, () => 10);
  size.tooLarge(4);
  expect(size.limit).toBe(2);
  expect(Math.max(...runFull(size, 3000, () => 10))).toBe(2);
});
