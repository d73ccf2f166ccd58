import { setTimeout as sleep } from 'node:timers/promises';
import type { JobResult } from '../../contract/job.ts';
import { causeText, log } from '../log.ts';
import type { OriginSeries } from '../metrics/series.ts';
import { withTrace } from '../trace.ts';
import type { Outbox } from '../write-back/outbox.ts';
import type { Shipment } from '../write-back/shipment.ts';
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
   * Sends a result to the edge at once; null where it must be on disk first. Resolves with null when the edge took it
   * within moments, else with what is to go into the outbox.
   */
  sendAtOnce: (shipment: Shipment) => Promise<Shipment | null> | null;
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
    for (const job of this.#active) job.end('stopped');
    await Promise.race([ended, sleep(abortSecondsMax * 1000, null, { ref: false })]);
  }

  async #run(job: LiveJob): Promise<void> {
    const { spool, pace, live } = this.#options;
    const { key } = job.job;
    const startMs = Date.now();
    job.start();
    try {
      await spool.update(job);
      const finished = await this.#make(job);
      const [serviceMs, active] = [Date.now() - startMs, this.#active.size];
      if (await this.#keep(job, finished)) pace.finished(serviceMs, active);
    } catch (error) {
      if (job.cancelled) return;
      if (job.state.at === 'ended') {
        // An orderly stop is no sign against the job.
        job.putBack();
        await spool.update(job);
        return;
      }
      log('job put back', { key, cause: causeText(error) });
      await sleep(diskRetryMs, null, { ref: false });
      job.putBack();
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
   * Moves a job from the spool to the edge, or to the outbox when the edge does not take its result at once; false when the
   * job was cancelled meanwhile.
   */
  async #keep(job: LiveJob, { result, files }: Finished): Promise<boolean> {
    const { outbox, sendAtOnce, onFinished } = this.#options;
    const { key, scope, fence, trace } = job.job;
    const uploaded = files.some(({ upload }) => upload !== null);
    if (job.state.at === 'ended' && !uploaded) return false;
    job.made();
    const shipment: Shipment = {
      key,
      scope,
      // The fence may have been raised while the mesh was made.
      result: { ...result, fence },
      files,
      finishedAtMs: Date.now(),
      attempt: null,
      ...(trace && { trace }),
    };
    const sent = sendAtOnce(shipment);
    // Sending is no work of this machine, and only a few results are sent like this at a time.
    if (sent !== null) this.#leave(job);
    const left = sent === null ? shipment : await sent;
    if (left === null) {
      await this.#end(job, result);
      return !job.cancelled;
    }
    await outbox.add(left);
    if (job.cancelled) {
      // Some of its files are at the edge by now, which removes them when it refuses the result.
      onFinished();
      return false;
    }
    // Raised again while it was written: from here on the outbox answers for the key.
    const newest = job.job.fence;
    const ended = this.#end(job, result);
    if (newest > fence) await outbox.update(key, (kept) => ({ ...kept, fence: newest }));
    onFinished(); // somebody waits for the mesh, and nobody for the spool
    await ended;
    return true;
  }

  /** Removes a job whose result is elsewhere from the spool. */
  async #end(job: LiveJob, result: JobResult): Promise<void> {
    const { live, spool, series } = this.#options;
    const { key } = job.job;
    // A cancelled job has left the spool already, and another of its key may be in it.
    if (job.cancelled) return;
    job.shipped();
    if (live.get(key) === job) live.delete(key);
    series.jobs.inc({ outcome: result.outcome });
    series.jobSeconds.observe((Date.now() - job.acceptedAtMs) / 1000);
    if (result.outcome === 'failed') series.failures.inc({ code: result.failure.code });
    await spool.remove(key);
  }
}
