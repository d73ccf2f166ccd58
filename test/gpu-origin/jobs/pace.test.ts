import { expect, test } from 'vitest';
import { Pace } from '../../../gpu-origin/jobs/pace.ts';

const now = () => 1_000_000;

test('a refused call is told to come back when the queue before it has been served', () => {
  const pace = new Pace({ queueCapacity: 10, now });
  for (let i = 0; i < 200; i += 1) pace.finished(4000, 2); // one job every two seconds
  const seconds = pace.retryAfterSeconds(10);
  expect(seconds).toBeGreaterThanOrEqual(20);
  expect(seconds).toBeLessThanOrEqual(25);
});

test('calls that are refused together are told different moments, no faster than jobs finish', () => {
  const pace = new Pace({ queueCapacity: 10, now });
  for (let i = 0; i < 200; i += 1) pace.finished(2000, 2); // one a second
  const told = Array.from({ length: 30 }, () => pace.retryAfterSeconds(10));
  expect((told.at(-1) ?? 0) - (told[0] ?? 0)).toBeGreaterThanOrEqual(29);
});

test('no second is promised to more calls than the queue holds, however fast the jobs are', () => {
  const pace = new Pace({ queueCapacity: 64, now });
  for (let i = 0; i < 500; i += 1) pace.finished(1, 4);
  const told = Array.from({ length: 1000 }, () => pace.retryAfterSeconds(64));
  const most = Math.max(
    ...Map.groupBy(told, (seconds) => seconds)
      .values()
      .map((calls) => calls.length),
  );
  expect(most).toBeLessThanOrEqual(64);
});

test('nobody is told to wait longer than ten minutes', () => {
  const pace = new Pace({ queueCapacity: 10, now });
  for (let i = 0; i < 200; i += 1) pace.finished(3_600_000, 1);
  expect(pace.retryAfterSeconds(10)).toBe(600);
});
