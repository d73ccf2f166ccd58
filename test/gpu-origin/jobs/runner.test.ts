import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LiveJob } from '../../../gpu-origin/jobs/live-job.ts';
import { Pace } from '../../../gpu-origin/jobs/pace.ts';
import { JobQueue } from '../../../gpu-origin/jobs/queue.ts';
import { failedResult } from '../../../gpu-origin/jobs/result.ts';
import { Runner } from '../../../gpu-origin/jobs/runner.ts';
import { Shares } from '../../../gpu-origin/jobs/shares.ts';
import { Spool } from '../../../gpu-origin/jobs/spool.ts';
import { originSeries } from '../../../gpu-origin/metrics/series.ts';
import { Outbox } from '../../../gpu-origin/write-back/outbox.ts';
import { jobFor } from '../support/send-job.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runner-'));
});
afterEach(() => rm(folder, { recursive: true }));

type SendAtOnce = ConstructorParameters<typeof Runner>[0]['sendAtOnce'];

/** A runner of one place, whose jobs all fail at once, with these jobs in the spool and the queue. */
async function startRunner(sendAtOnce: SendAtOnce, images: readonly number[] = [1]) {
  const outbox = new Outbox({ folder: join(folder, 'outbox'), bytesMax: 1e6, onDropped: async () => undefined });
  const spool = new Spool(join(folder, 'spool'));
  await outbox.recover();
  await spool.recover();
  const queue = new JobQueue({ capacity: images.length, now: Date.now });
  const jobs: LiveJob[] = [];
  for (const byte of images) {
    const image = new Uint8Array([byte]);
    const job = new LiveJob({ job: jobFor(image), acceptedAtMs: Date.now(), starts: 0 });
    await spool.put(
      job,
      (async function* () {
        yield image;
      })(),
    );
    jobs.push(job);
    queue.add(job);
  }
  const made: LiveJob[] = [];
  const finished = Promise.withResolvers<void>();
  const runner = new Runner({
    live: new Map(),
    queue,
    spool,
    outbox,
    pace: new Pace({ queueCapacity: 1, now: Date.now }),
    series: originSeries(new Registry()),
    activeMax: 1,
    withdraw: () => undefined,
    shares: new Shares({
      needsOf: () => ({ outside: false, fieldBytes: 0 }),
      outsideMax: 1,
      fieldBytesMax: 1,
    }),
    make: async (job) => {
      made.push(job);
      return failedResult(job.job, { code: 'internal_error', message: 'It is not made here.' });
    },
    sendAtOnce,
    onFinished: finished.resolve,
  });
  runner.start();
  return { jobs, made, outbox, finished: finished.promise };
}

test('a job that is cancelled while its result is written stays in the outbox, for the edge to refuse', async () => {
  const { jobs, outbox, finished } = await startRunner(() => {
    jobs[0]?.end('cancelled');
    return null;
  });
  await finished;
  expect([...outbox.entries.keys()]).toEqual(jobs.map(({ job }) => job.key));
});

test('a job gives its place to the next while its result is on its way to the edge', async () => {
  const { jobs, made } = await startRunner(() => new Promise(() => undefined), [1, 2]);
  await vi.waitFor(() => expect(made).toEqual(jobs));
});
