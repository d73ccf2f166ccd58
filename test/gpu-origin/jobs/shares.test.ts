import { expect, test } from 'vitest';
import type { Needs } from '../../../gpu-origin/families/family.ts';
import { LiveJob } from '../../../gpu-origin/jobs/live-job.ts';
import { Shares } from '../../../gpu-origin/jobs/shares.ts';
import { jobFor } from '../support/send-job.ts';

/** Shares of two outside and 100 bytes of fields, and a maker of jobs with such needs. */
function createShares() {
  const needs = new Map<LiveJob, Needs>();
  const shares = new Shares({
    needsOf: (job) => needs.get(job) ?? { outside: false, fieldBytes: 0 },
    outsideMax: 2,
    fieldBytesMax: 100,
  });
  const jobWith = (change: Partial<Needs>) => {
    const job = new LiveJob({ job: jobFor(new Uint8Array(1)), acceptedAtMs: 0, starts: 0 });
    needs.set(job, { outside: false, fieldBytes: 0, ...change });
    return job;
  };
  const started = (change: Partial<Needs>) => {
    const job = jobWith(change);
    expect(shares.admits(job)).toBe(true);
    shares.enter(job);
    return job;
  };
  return { shares, jobWith, started };
}

test('what waits outside has places of its own, and what does not is always admitted', () => {
  const { shares, jobWith, started } = createShares();
  const [first] = [started({ outside: true }), started({ outside: true })];
  const third = jobWith({ outside: true });
  expect([shares.admits(third), shares.admits(jobWith({}))]).toEqual([false, true]);
  shares.leave(first);
  expect([shares.admits(third), shares.outside]).toEqual([true, 1]);
});

test('a field that found no room is not overtaken by smaller ones, until it has begun or is cancelled', () => {
  const { shares, jobWith, started } = createShares();
  const first = started({ fieldBytes: 60 });
  const [large, small] = [jobWith({ fieldBytes: 80 }), jobWith({ fieldBytes: 10 })];
  expect([shares.admits(large), shares.admits(small)]).toEqual([false, false]);
  shares.leave(first);
  expect([shares.admits(small), shares.admits(large)]).toEqual([false, true]);
  shares.enter(large);
  expect(shares.admits(small)).toBe(true);
  const cancelled = jobWith({ fieldBytes: 80 });
  expect([shares.admits(cancelled), shares.admits(small)]).toEqual([false, false]);
  cancelled.end('cancelled');
  expect(shares.admits(small)).toBe(true);
});

test('a field larger than all that there is goes alone rather than never', () => {
  const { shares, jobWith, started } = createShares();
  const [small, huge] = [started({ fieldBytes: 10 }), jobWith({ fieldBytes: 200 })];
  expect(shares.admits(huge)).toBe(false);
  shares.leave(small);
  expect(shares.admits(huge)).toBe(true);
});
