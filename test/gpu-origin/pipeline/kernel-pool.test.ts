import { afterEach, expect, test } from 'vitest';
import { createKernelPool, type KernelPool } from '../../../gpu-origin/pipeline/kernel-pool.ts';
import { discOf } from './disc-picture.ts';

let pool: KernelPool;
afterEach(() => pool.close());

const never = new AbortController().signal;
const size = 64;

/** Sheets of heights that are no numbers, on which the simplifier works for minutes. */
function endless(signal = never) {
  const heights = new Float32Array(size * size).fill(NaN);
  const canvas = discOf(256, 256);
  return pool.run('surfaceFromSheets', { canvas, front: heights, back: heights, size, cameraDistance: null }, signal);
}

const small = () => pool.run('mattingTensor', { picture: discOf(32, 32), size: 16 }, never);

test('a call that takes too long ends with its thread, and the next one has a new thread', async () => {
  pool = createKernelPool({ threads: 1, limits: { secondsMax: 2, bytesMax: Infinity } });
  const [late, next] = await Promise.allSettled([endless(), small()]);
  expect(late).toMatchObject({
    status: 'rejected',
    reason: { code: 'internal_error', message: 'The mesh takes more than 2 s of one thread, in "surfaceFromSheets".' },
  });
  expect(next).toMatchObject({ status: 'fulfilled', value: { dims: [1, 3, 16, 16] } });
});

test('the time that a call waits for a thread does not count', async () => {
  pool = createKernelPool({ threads: 1, limits: { secondsMax: 3, bytesMax: Infinity } });
  await small();
  const calls = [endless(), endless(), small()];
  const outcomes = await Promise.allSettled(calls);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
});

test('a call that holds too much memory ends with its thread', async () => {
  pool = createKernelPool({ threads: 1, limits: { secondsMax: 60, bytesMax: 1024 * 1024 } });
  await expect(endless()).rejects.toMatchObject({
    code: 'internal_error',
    message: expect.stringContaining('1048576 bytes of memory') as string,
  });
});

test('an aborted call gives its thread back at once, waiting or running', async () => {
  pool = createKernelPool({ threads: 1 });
  const [running, waiting] = [new AbortController(), new AbortController()];
  const calls = [endless(running.signal), endless(waiting.signal)];
  const outcomes = Promise.allSettled(calls);
  waiting.abort(new Error('not wanted'));
  running.abort(new Error('cancelled'));
  expect(await outcomes).toMatchObject([{ reason: { message: 'cancelled' } }, { reason: { message: 'not wanted' } }]);
  await small();
});
