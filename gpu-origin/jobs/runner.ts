import { setTimeout as sleep } from 'node:timers/promises';
import type { JobResult } from '../../contract/job.ts';
import { causeText, log } from '../log.ts';
import type { OriginSeries } from '../metrics/series.ts';
import { withTrace } from '../trace.ts';
import type { Outbox, OutboxEntry } from '../write-back/outbox.ts';
import { isForgotten, type LiveJob } from './live-job.ts';
import type { Pace } from './pace.ts';
import type { JobQueue } from './queue.ts';
import { failedResult, type Finished } from './result.ts';
import type { Shares } from './shares.ts';
import type { Spool } from './spool.ts';

/** A job whose process died this often is given up: it may be what kills it. */
const startsMax = 3;

/** Wait before a job whose result could not be written to the disk is made again. */
const diskRetryMs = 5000;

/** Time that aborted jobs are given to end. */
const abortSecondsMax = 5;

type RunnerOptions = {
  live: Map<string, LiveJob>;
  queue: JobQueue;
  spool: Spool;
  outbox: Outbox;
  pace: Pace;
  series: OriginSeries;
  activeMax: number;
  /** What jobs in progress share beside their places. */
  shares: Shares;
  /** Drops a job that nobody waits for. */
  withdraw: (key: string, fence: number) => void;
  /** Makes the mesh; every failure of the job itself comes as a result, a rejection means that it was aborted. */
  make: (job: LiveJob, image: Uint8Array) => Promise<Finished>;
  /**
   * Sends a result and the bytes of its blobs, in their order, to the edge at once: whether it has it within moments. Null
   * where the result must be on disk first.
   */
  sendAtOnce: (entry: OutboxEntry, bytes: readonly Uint8Array[]) => Promise<boolean> | null;
  /** Called when a result is in the outbox. */
  onFinished: () => void;
};

/** Takes waiting jobs in their turn, several at a time; their results go to the edge, or into the outbox. */
export class Runner {
  readonly #options: RunnerOptions;
  readonly #active = new Set<LiveJob>();
  /** The jobs that have not ended: those in progress, and those whose results are on their way. */
  readonly #runs = new Set<Promise<void>>();
  #running = false;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  get active(): number {
    return this.#active.size;
  }

  start(): void {
    this.#running = true;
    this.kick();
  }

  /** Starts what may be started; called when a job was queued or the outbox has room again. */
  kick(): void {
    const { queue, outbox, activeMax, shares, withdraw } = this.#options;
    while (this.#running && this.#active.size < activeMax && !outbox.full) {
      const job = queue.take((waiting) => shares.admits(waiting));
      if (job === null) return;
      if (isForgotten(job, Date.now())) {
        log('job forgotten', { key: job.job.key });
        withdraw(job.job.key, job.job.fence);
        continue;
      }
      shares.enter(job);
      this.#active.add(job);
      const run = withTrace(job.job.trace, () => this.#run(job)).finally(() => {
        this.#runs.delete(run);
        this.#leave(job);
      });
      this.#runs.add(run);
    }
  }

  /** Gives a job's place to the next one, unless it did so before. */
  #leave(job: LiveJob): void {
    if (!this.#active.delete(job)) return;
    this.#options.shares.leave(job);
    this.kick();
  }

  /** Starts nothing more, lets what runs finish for a while, then leaves the rest in the spool. */
  async drain(secondsMax: number): Promise<void> {
    this.#running = false;
    const ended = Promise.all(this.#runs);
    const patience = new AbortController();
    const waited = sleep(secondsMax * 1000, null, { signal: patience.signal }).catch(() => null);
    await Promise.race([ended, waited]);
    patience.abort();
    for (const job of this.#active) job.controller.abort('stopping');
    await Promise.race([ended, sleep(abortSecondsMax * 1000, null, { ref: false })]);
  }

  async #run(job: LiveJob): Promise<void> {
    const { spool, pace, live } = this.#options;
    const { key } = job.job;
    const startMs = Date.now();
    job.state = 'running';
    try {
      job.starts += 1;
      await spool.update(job);
      const finished = await this.#make(job);
      const [serviceMs, active] = [Date.now() - startMs, this.#active.size];
      if (await this.#keep(job, finished)) pace.finished(serviceMs, active);
    } catch (error) {
      const { signal } = job.controller;
      if (signal.aborted && signal.reason === 'cancelled') return;
      if (signal.aborted) {
        // An orderly stop is no sign against the job.
        job.starts -= 1;
        await spool.update(job);
        return;
      }
      log('job put back', { key, cause: causeText(error) });
      await sleep(diskRetryMs, null, { ref: false });
      job.starts -= 1;
      job.state = 'queued';
      if (live.get(key) === job) this.#options.queue.add(job);
    }
  }

  async #make(job: LiveJob): Promise<Finished> {
    if (job.starts > startsMax) {
      const message = `The origin ended ${startsMax} times while it made this mesh.`;
      return failedResult(job.job, { code: 'internal_error', message });
    }
    const image = await this.#options.spool.image(job.job.key).catch((error: unknown) => {
      log('spooled image lost', { key: job.job.key, cause: causeText(error) });
      return null;
    });
    if (image !== null) return this.#options.make(job, image);
    return failedResult(job.job, { code: 'internal_error', message: 'The origin lost the image of this mesh.' });
  }

  /**
   * Moves a job from the spool to the edge, or to the outbox where that does not take its result at once; false when it
   * was cancelled meanwhile.
   */
  async #keep(job: LiveJob, { result, blobs, bytes, sentAhead }: Finished): Promise<boolean> {
    const { outbox, sendAtOnce, onFinished } = this.#options;
    const { key, scope, fence, trace } = job.job;
    if (job.controller.signal.aborted && !sentAhead) return false;
    // The fence may have been raised while the mesh was made.
    const entry = {
      key,
      scope,
      result: { ...result, fence },
      blobs,
      finishedAtMs: Date.now(),
      ...(trace && { trace }),
    };
    const taken = sendAtOnce(entry, bytes);
    // It does no more work here, and only a few are on their way like this.
    if (taken !== null) this.#leave(job);
    if (await taken) {
      await this.#end(job, result);
      return job.controller.signal.reason !== 'cancelled';
    }
    await outbox.add(entry, bytes);
    if (job.controller.signal.reason === 'cancelled') {
      // Some of it is at the edge by now, which removes that when it refuses the result.
      onFinished();
      return false;
    }
    // Raised again while it was written: from here on the outbox answers for the key.
    const newest = job.job.fence;
    const ended = this.#end(job, result);
    if (newest > fence) await outbox.update(key, (kept) => ({ ...kept, result: { ...kept.result, fence: newest } }));
    onFinished(); // somebody waits for the mesh, and nobody for the spool
    await ended;
    return true;
  }

  /** Removes a job whose result is elsewhere from the spool. */
  async #end(job: LiveJob, result: JobResult): Promise<void> {
    const { live, spool, series } = this.#options;
    const { key } = job.job;
    // A job that was cancelled has ended already, and another of its key may have begun.
    if (job.controller.signal.reason === 'cancelled') return;
    if (live.get(key) === job) live.delete(key);
    series.jobs.inc({ outcome: result.outcome });
    series.jobSeconds.observe((Date.now() - job.acceptedAtMs) / 1000);
    if (result.outcome === 'failed') series.failures.inc({ code: result.failure.code });
    await spool.remove(key);
  }
}
