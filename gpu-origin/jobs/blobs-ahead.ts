import { createHash } from 'node:crypto';
import type { MadeBlob } from '../pipeline/job.ts';
import type { JobBlob } from '../write-back/send-result.ts';
import type { LiveJob } from './live-job.ts';

/** Sends what a job consists of as it is made, so that the edge has it by the time that the result is on disk. */
export class BlobsAhead {
  readonly #job: LiveJob;
  readonly #sendAhead: (blob: JobBlob, bytes: Uint8Array) => boolean;
  readonly #work = new AbortController();
  #begun = false;

  constructor(job: LiveJob, sendAhead: (blob: JobBlob, bytes: Uint8Array) => boolean) {
    this.#job = job;
    this.#sendAhead = sendAhead;
    const { signal } = job.controller;
    const stop = () => {
      // Only a result makes the edge remove what came ahead of it.
      if (!this.#begun || signal.reason !== 'cancelled') this.#work.abort(signal.reason);
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  }

  /** Whether the edge may have something of this job. */
  get begun(): boolean {
    return this.#begun;
  }

  /** Aborted with the job, but not by its cancellation once something has begun to go ahead. */
  get signal(): AbortSignal {
    return this.#work.signal;
  }

  send({ bytes, mediaType }: MadeBlob): void {
    if (this.#job.controller.signal.aborted && !this.#begun) return;
    const { key, scope } = this.#job.job;
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    if (this.#sendAhead({ key, scope, sha256, mediaType }, bytes)) this.#begun = true;
  }
}
