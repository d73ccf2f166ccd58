import type { Needs } from '../families/family.ts';
import type { LiveJob } from './live-job.ts';

type SharesOptions = {
  needsOf: (job: LiveJob) => Needs;
  /** Jobs at once that wait for something outside. */
  outsideMax: number;
  /** Bytes that all fields hold together; any one field fits in. */
  fieldBytesMax: number;
};

/**
 * Which waiting jobs may be started beside those in progress. What waits for a slow server must not take every place
 * from the jobs that the devices could run, and fields must not take more memory than there is: such jobs wait in the
 * queue, where no deadline runs.
 */
export class Shares {
  readonly #options: SharesOptions;
  readonly #held = new Map<LiveJob, Needs>();
  #outside = 0;
  #fieldBytes = 0;
  /** The first job for whose field there was no room: no other field goes before it, or small ones would starve it. */
  #nextField: LiveJob | null = null;

  constructor(options: SharesOptions) {
    this.#options = options;
  }

  /** Bytes that the fields of jobs in progress may hold. */
  get fieldBytes(): number {
    return this.#fieldBytes;
  }

  /** Jobs in progress that may wait for something outside. */
  get outside(): number {
    return this.#outside;
  }

  /** Whether a job that waits may be started now. */
  admits(job: LiveJob): boolean {
    const { needsOf, outsideMax, fieldBytesMax } = this.#options;
    const needs = needsOf(job);
    if (needs.outside && this.#outside >= outsideMax) return false;
    if (needs.fieldBytes === 0) return true;
    if (this.#nextField?.state.at === 'ended') this.#nextField = null;
    if (this.#nextField !== null && this.#nextField !== job) return false;
    // One alone always goes: waiting would not make it smaller.
    if (this.#fieldBytes === 0 || this.#fieldBytes + needs.fieldBytes <= fieldBytesMax) return true;
    this.#nextField = job;
    return false;
  }

  /** Takes what a job needs, which is about to be started. */
  enter(job: LiveJob): void {
    const needs = this.#options.needsOf(job);
    this.#held.set(job, needs);
    this.#outside += Number(needs.outside);
    this.#fieldBytes += needs.fieldBytes;
    if (this.#nextField === job) this.#nextField = null;
  }

  /** Gives back what a job took, which has ended. */
  leave(job: LiveJob): void {
    const needs = this.#held.get(job);
    if (needs === undefined) throw new Error('a job left that had not entered; this is a bug');
    this.#held.delete(job);
    this.#outside -= Number(needs.outside);
    this.#fieldBytes -= needs.fieldBytes;
  }
}
