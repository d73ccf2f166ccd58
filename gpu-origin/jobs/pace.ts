/** Milliseconds between two finished jobs that are assumed before one has finished. */
const assumedMsPerJob = 1000;

/** Weight of the newest job in the running average. */
const newestWeight = 0.1;

/** Refused calls are spread out a little slower than jobs finish, so that they find room. */
const headroom = 1.1;

/** Retry-After is in whole seconds, so calls of one second come at once: at most this share of the queue a second. */
const capacityShareASecond = 0.8;

const retryAfterSecondsMax = 600;

/** How fast jobs finish, and when a refused call may come back: each is given a moment of its own. */
export class Pace {
  readonly #now: () => number;
  readonly #msPerJobMin: number;
  #msPerJob = assumedMsPerJob;
  #promisedUntilMs = 0;

  constructor(options: { queueCapacity: number; now: () => number }) {
    this.#now = options.now;
    this.#msPerJobMin = 1000 / (options.queueCapacity * capacityShareASecond);
  }

  /** Takes a finished job's working time, with the number of jobs that were in progress beside it. */
  finished(serviceMs: number, active: number): void {
    this.#msPerJob += newestWeight * (serviceMs / Math.max(active, 1) - this.#msPerJob);
  }

  /** Seconds after which a call that is refused now will find room: when those before it have been served. */
  retryAfterSeconds(depth: number): number {
    const msPerJob = Math.max(this.#msPerJob * headroom, this.#msPerJobMin);
    const now = this.#now();
    const latest = now + retryAfterSecondsMax * 1000;
    this.#promisedUntilMs = Math.min(Math.max(this.#promisedUntilMs, now + depth * msPerJob) + msPerJob, latest);
    return Math.max(1, Math.ceil((this.#promisedUntilMs - now) / 1000));
  }
}
