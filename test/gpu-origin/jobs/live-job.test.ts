import { expect, test } from 'vitest';
import { LiveJob } from '../../../gpu-origin/jobs/live-job.ts';
import { jobFor } from '../support/send-job.ts';

const accepted = () => new LiveJob({ job: jobFor(new Uint8Array(1)), acceptedAtMs: 0, starts: 0 });
const delivered = Promise.resolve({ state: 'delivered' } as const);

test('a cancelled job stops, unless its file is being uploaded, and stays cancelled', () => {
  const [early, late] = [accepted(), accepted()];
  for (const job of [early, late]) job.start();
  late.uploading(delivered);
  for (const job of [early, late]) job.end('cancelled');
  expect([early.signal.aborted, late.signal.aborted]).toEqual([true, false]);
  late.made();
  late.end('stopped');
  expect([late.cancelled, late.signal.aborted]).toEqual([true, false]);
});

test('a job of an origin that stops is aborted whatever it has sent, and counts no start', () => {
  const job = accepted();
  job.start();
  job.uploading(delivered);
  job.end('stopped');
  job.putBack();
  expect([job.signal.aborted, job.starts, job.state]).toEqual([true, 0, { at: 'ended', why: 'stopped' }]);
});

test('a job that is put back waits again, as if it had not been started', () => {
  const job = accepted();
  job.start();
  job.made();
  job.putBack();
  expect([job.state, job.starts]).toEqual([{ at: 'accepted' }, 0]);
});
