import type { Job } from '../../contract/job.ts';
import { Problem } from '../../contract/problem.ts';
import { problemOfWrite } from '../disk/disk-full.ts';
import { log } from '../log.ts';
import type { OriginSeries } from '../metrics/series.ts';
import type { Outbox } from '../write-back/outbox.ts';
import { LiveJob } from './live-job.ts';
import type { Pace } from './pace.ts';
import type { JobQueue } from './queue.ts';
import type { Spool } from './spool.ts';

type IntakeOptions = {
  live: Map<string, LiveJob>;
  queue: JobQueue;
  spool: Spool;
  outbox: Outbox;
  pace: Pace;
  series: OriginSeries;
  /** Whether this origin has what a job needs: its model, and what draws its prompt. */
  serves: (job: Job) => boolean;
  /** Why no new job is taken at present; null when one may be. */
  refusal: () => Problem | null;
  /** Called when a job was queued. */
  onQueued: () => void;
};

/** What the edge is told of an accepted job: how many wait before it. */
export type Acceptance = { accepted: true; position: number };

/** Takes jobs in and withdraws them. A job that was accepted is on disk; a key has one job, however often it is sent. */
export class Intake {
  readonly #options: IntakeOptions;
  /** Jobs whose image is being received, by key. */
  readonly #receiving = new Map<string, { done: Promise<void>; fence: number; cancelled: boolean }>();

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** Takes up the jobs that an earlier process had accepted, whatever the queue's capacity. */
  async recover(): Promise<void> {
    const { live, queue, spool, outbox } = this.#options;
    for (const found of await spool.recover()) {
      const { key } = found.job;
      // Killed between writing the result and leaving the spool.
      if (outbox.entries.has(key)) await spool.remove(key);
      else {
        const job = new LiveJob(found);
        live.set(key, job);
        queue.add(job);
      }
    }
    if (queue.depth > 0) log('jobs taken up again', { jobs: queue.depth });
  }

  /** Accepts a job with its image; throws queue_full, model_not_found, no_origin, draining or the body's problem. */
  async accept(job: Job, image: AsyncIterable<Uint8Array>): Promise<Acceptance> {
    const { series } = this.#options;
    for (;;) {
      const known = await this.#raiseFence(job);
      if (known !== null) return known;
      const receiving = this.#receiving.get(job.key);
      if (receiving === undefined) break;
      await receiving.done;
    }
    try {
      return await this.#receive(job, image);
    } catch (error) {
      series.jobs.inc({ outcome: 'refused' });
      throw error;
    }
  }

  /**
   * Cancels a job of this fence or an earlier one; false when there is none of this key. A job that was sent again with a
   * later fence is wanted again. A finished one is still sent: the edge may have its files already, and removes them when
   * it refuses the result.
   */
  async cancel(key: string, fence: number): Promise<boolean> {
    const { live, queue, spool, outbox, series } = this.#options;
    const receiving = this.#receiving.get(key);
    const job = live.get(key);
    if (Math.max(receiving?.fence ?? 0, job?.job.fence ?? 0) > fence) return false;
    if (receiving !== undefined) receiving.cancelled = true;
    if (job !== undefined) {
      live.delete(key);
      queue.remove(job);
      job.end('cancelled');
      await spool.remove(key);
    }
    const known = receiving !== undefined || job !== undefined || outbox.entries.has(key);
    if (known) series.jobs.inc({ outcome: 'cancelled' });
    return known;
  }

  /** Gives a known job the newer fence, so that its result counts for the latest dispatch; null when it is new. */
  async #raiseFence({ key, fence }: Job): Promise<Acceptance | null> {
    const { live, spool, outbox, queue } = this.#options;
    const job = live.get(key);
    if (job !== undefined) {
      if (fence > job.job.fence) {
        job.job = { ...job.job, fence };
        job.sentAtMs = Date.now();
        await spool.update(job);
      }
      return { accepted: true, position: job.state.at === 'accepted' ? queue.depth : 0 };
    }
    const finished = outbox.entries.get(key);
    if (finished === undefined) return null;
    if (fence > finished.result.fence) {
      await outbox.update(key, (result) => ({ ...result, fence }));
    }
    return { accepted: true, position: 0 };
  }

  async #receive(job: Job, image: AsyncIterable<Uint8Array>): Promise<Acceptance> {
    const { queue, pace, serves, refusal, series, onQueued } = this.#options;
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const receiving = { done, fence: job.fence, cancelled: false };
    this.#receiving.set(job.key, receiving);
    let reserved = false;
    try {
      const problem = refusal();
      if (problem !== null) throw problem;
      if (!serves(job)) {
        const prompt = job.textToImageModel === undefined ? '' : `, or no prompts drawn by ${job.textToImageModel}`;
        const message = `This origin does not serve ${job.model.id} with that manifest${prompt}.`;
        throw new Problem('model_not_found', message);
      }
      reserved = queue.reserve();
      if (!reserved) {
        const retryAfterSeconds = pace.retryAfterSeconds(queue.depth);
        throw new Problem('queue_full', `${queue.depth} jobs wait already.`, { retryAfterSeconds });
      }
      const accepted = await this.#spoolImage(job, image, receiving);
      const position = queue.depth;
      this.#options.live.set(job.key, accepted);
      queue.add(accepted);
      series.jobs.inc({ outcome: 'accepted' });
      onQueued();
      return { accepted: true, position };
    } finally {
      if (reserved) queue.release();
      this.#receiving.delete(job.key);
      resolve();
    }
  }

  async #spoolImage(job: Job, image: AsyncIterable<Uint8Array>, receiving: { cancelled: boolean }): Promise<LiveJob> {
    const { spool } = this.#options;
    const accepted = new LiveJob({ job, acceptedAtMs: Date.now(), starts: 0 });
    try {
      await spool.put(accepted, image);
    } catch (error) {
      await spool.remove(job.key);
      throw problemOfWrite(error);
    }
    if (receiving.cancelled) {
      await spool.remove(job.key);
      throw new Problem('mesh_withdrawn', 'The job was cancelled while it was being sent.');
    }
    return accepted;
  }
}
