import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { liveJob } from '../../../gpu-origin/jobs/live-job.ts';
import { Pace } from '../../../gpu-origin/jobs/pace.ts';
import { JobQueue } from '../../../gpu-origin/jobs/queue.ts';
import { failedResult } from '../../../gpu-origin/jobs/result.ts';
import { Runner } from '../../../gpu-origin/jobs/runner.ts';
import { Shares } from '../../../gpu-origin/jobs/shares.ts';
import { Spool } from '../../../gpu-origin/jobs/spool.ts';
import { originSeries } from '../../../gpu-origin/metrics/series.ts';
import { Outbox } from '../../../gpu-origin/write-back/outbox.ts';
import { jobFor } from '../support/send-job.ts';

test('a job that is cancelled while its result is written stays in the outbox, for the edge to refuse', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'runner-'));
  try {
    const outbox = new Outbox({ folder: join(folder, 'outbox'), bytesMax: 1e6, onDropped: async () => undefined });
    const spool = new Spool(join(folder, 'spool'));
    await outbox.recover();
    await spool.recover();
    const image = new Uint8Array([1]);
    const job = liveJob({ job: jobFor(image), acceptedAtMs: Date.now(), starts: 0 });
    await spool.put(
      job,
      (async function* () {
        yield image;
      })(),
    );
    const queue = new JobQueue({ capacity: 1, now: Date.now });
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
      make: async () => failedResult(job.job, { code: 'internal_error', message: 'It is not made here.' }),
      onMade: () => job.controller.abort('cancelled'),
      onFinished: finished.resolve,
    });
    queue.add(job);
    runner.start();
    await finished.promise;
    expect([...outbox.entries.keys()]).toEqual([job.job.key]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
