import { expect, test } from 'vitest';
import { LiveJob } from '../../../gpu-origin/jobs/live-job.ts';
import { JobQueue } from '../../../gpu-origin/jobs/queue.ts';
import { jobFor } from '../support/send-job.ts';

const start = 1_000_000;
const image = new Uint8Array(1);

function createQueue(capacity = 100) {
  let nowMs = start;
  const queue = new JobQueue({ capacity, now: () => nowMs });
  const add = (tenant: string, priority: 'interactive' | 'batch' = 'interactive') => {
    const job = new LiveJob({ job: jobFor(image, { tenant, priority }), acceptedAtMs: nowMs, starts: 0 });
    queue.add(job);
    return job;
  };
  return { queue, add, pass: (ms: number) => (nowMs += ms) };
}

function takeAll(queue: JobQueue): LiveJob[] {
  const taken: LiveJob[] = [];
  for (let job = queue.take(); job !== null; job = queue.take()) taken.push(job);
  return taken;
}

test('one tenant is served in the order of arrival', () => {
  const { queue, add } = createQueue();
  const jobs = [add('a'), add('a'), add('a')];
  expect(takeAll(queue)).toEqual(jobs);
});

test('a tenant with one job does not wait behind a tenant with a hundred', () => {
  const { queue, add } = createQueue(200);
  for (let i = 0; i < 100; i += 1) add('flood');
  const single = add('single');
  expect(takeAll(queue).indexOf(single)).toBe(1);
});

test('tenants take turns, also those that come back', () => {
  const { queue, add } = createQueue();
  for (const tenant of ['a', 'a', 'a', 'b', 'b', 'c']) add(tenant);
  expect(queue.take()?.job.tenant).toBe('a');
  add('a');
  expect(takeAll(queue).map(({ job }) => job.tenant)).toEqual(['b', 'c', 'a', 'b', 'a', 'a']);
});

test('interactive jobs go before batch jobs that are young', () => {
  const { queue, add, pass } = createQueue();
  const batch = add('a', 'batch');
  pass(29_999);
  for (let i = 0; i < 5; i += 1) add('b');
  expect(takeAll(queue).indexOf(batch)).toBe(5);
});

test('an aged batch job is started in spite of interactive ones, and they still get three starts of four', () => {
  const { queue, add, pass } = createQueue();
  for (let i = 0; i < 3; i += 1) add('a', 'batch');
  pass(30_000);
  for (let i = 0; i < 9; i += 1) add('b');
  const priorities = takeAll(queue).map(({ job }) => job.priority[0]);
  expect(priorities.join('')).toBe('iiibiiibiiib');
});

test('an aged batch job is not hidden by a young one of the tenant whose turn it is', () => {
  const { queue, add, pass } = createQueue();
  const hidden = add('a', 'batch');
  pass(29_000);
  const young = add('b', 'batch');
  queue.remove(hidden);
  const aged = add('a', 'batch'); // behind b's in the round
  aged.acceptedAtMs = start;
  pass(1_000);
  for (let i = 0; i < 6; i += 1) add('c');
  const order = takeAll(queue);
  expect(order.indexOf(aged)).toBe(3);
  expect(order.indexOf(young)).toBe(7); // it has not aged, and goes when no interactive one waits
});

test('a job that may not start yet is passed by, and keeps its turn', () => {
  const { queue, add } = createQueue();
  const [first, second, other] = [add('a'), add('a'), add('b')];
  const admits = (job: LiveJob) => job !== first;
  expect([queue.take(admits), queue.take(admits), queue.take(admits)]).toEqual([second, other, null]);
  expect(queue.depth).toBe(1);
  expect(queue.take()).toBe(first);
});

test('the queue is full with the places that are kept for images on their way', () => {
  const { queue, add } = createQueue(2);
  add('a');
  expect(queue.reserve()).toBe(true);
  expect(queue.reserve()).toBe(false);
  queue.release();
  expect(queue.reserve()).toBe(true);
});

test('a removed job is not started and frees its place', () => {
  const { queue, add } = createQueue(2);
  const first = add('a');
  const second = add('a');
  queue.remove(first);
  queue.remove(first);
  expect(queue.depth).toBe(1);
  expect(takeAll(queue)).toEqual([second]);
});
