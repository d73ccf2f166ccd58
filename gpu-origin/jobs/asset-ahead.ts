import type { MadeFile } from '../pipeline/made-file.ts';
import type { JobBlob } from '../write-back/send-result.ts';
import type { LiveJob } from './live-job.ts';

/** Sends a job's mesh file as soon as it is made, so that the edge has it by the time that the result is on disk. */
export class AssetAhead {
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

  send({ bytes, sha256, mediaType }: MadeFile): void {
    if (this.#job.controller.signal.aborted) return;
    const { key, scope } = this.#job.job;
    this.#begun = this.#sendAhead({ key, scope, sha256, mediaType }, bytes);
  }
}
