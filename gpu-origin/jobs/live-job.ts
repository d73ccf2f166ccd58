import { flightLifeMsMax, type Job } from '../../contract/job.ts';
import type { Outcome } from '../write-back/outcome.ts';

/** Where a job stands. */
export type JobState =
  /** It waits for its turn. */
  | { at: 'accepted' }
  /** Its mesh is being made. `upload` is that of the mesh file, once it has begun. */
  | { at: 'running'; upload: Promise<Outcome> | null }
  /** Its result is on its way to the edge or to the outbox. */
  | { at: 'made' }
  /** The edge has its result, or the outbox answers for it. */
  | { at: 'shipped' }
  /** Nobody wants it, another origin has it, or this process is going to end and leaves it to the next one. */
  | { at: 'ended'; why: 'cancelled' | 'returned' | 'stopped' };

/** What is known of a job when it comes from the edge or from the spool. */
type Accepted = { job: Job; acceptedAtMs: number; sentAtMs?: number | undefined; starts: number };

/** A job that was accepted. The same key sent again raises the fence of its `job`. */
export class LiveJob {
  job: Job;
  acceptedAtMs: number;
  /** When the edge last sent it. */
  sentAtMs: number;
  /** How often work on it began, in processes that died of it as well. */
  starts: number;
  #state: JobState = { at: 'accepted' };
  readonly #work = new AbortController();

  constructor({ job, acceptedAtMs, sentAtMs = acceptedAtMs, starts }: Accepted) {
    this.job = job;
    this.acceptedAtMs = acceptedAtMs;
    this.sentAtMs = sentAtMs;
    this.starts = starts;
  }

  get state(): JobState {
    return this.#state;
  }

  /** True once nobody wants the mesh any more. */
  get cancelled(): boolean {
    return this.#state.at === 'ended' && this.#state.why === 'cancelled';
  }

  /** Aborted when work on the job is to stop. */
  get signal(): AbortSignal {
    return this.#work.signal;
  }

  /** Its turn has come. */
  start(): void {
    this.starts += 1;
    this.#become({ at: 'running', upload: null });
  }

  /** The upload of its mesh file has begun; null where it could not. */
  uploading(upload: Promise<Outcome> | null): void {
    this.#become({ at: 'running', upload });
  }

  made(): void {
    this.#become({ at: 'made' });
  }

  shipped(): void {
    this.#become({ at: 'shipped' });
  }

  /** It waits again: the work on it came to nothing through no fault of its own. */
  putBack(): void {
    this.starts -= 1;
    this.#become({ at: 'accepted' });
  }

  /**
   * Ends the job, and the work on it. Only the work on a cancelled job whose file is being uploaded goes on: the edge
   * removes that file when it refuses the result.
   */
  end(why: (JobState & { at: 'ended' })['why']): void {
    const state = this.#state;
    this.#become({ at: 'ended', why });
    const goesOn = why === 'cancelled' && state.at === 'running' && state.upload !== null;
    if (state.at !== 'ended' && !goesOn) this.#work.abort();
  }

  /** An ended job stays so, whatever the work on it comes to. */
  #become(next: JobState): void {
    if (this.#state.at !== 'ended') this.#state = next;
  }
}

/** True for a job whose flight has ended at the edge, whatever became of it there. */
export function isForgotten({ sentAtMs }: LiveJob, nowMs: number): boolean {
  return nowMs - sentAtMs > flightLifeMsMax;
}
