import { statfsSync } from 'node:fs';
import { Problem } from '../../contract/problem.ts';
import type { Report } from '../../contract/report.ts';
import type { Outbox } from '../write-back/outbox.ts';

/** Seconds after which a call may come back that was refused for a reason other than a full queue. */
const retryAfterSeconds = { loading: 2, draining: 10, full: 30 };

type AdmissionOptions = {
  outbox: Outbox;
  stateFolder: string;
  freeBytesMin: number;
  /** Null when a model is loaded and a device is up, else what is missing. */
  notReady: () => string | null;
};

/** Whether this origin takes jobs, decided in one place for the job route, the readiness probe and the report. */
export class Admission {
  readonly #options: AdmissionOptions;
  #draining = false;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** From now on nothing is accepted: the process is going to end. */
  drain(): void {
    this.#draining = true;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Why no job is taken at present; null when one may be. */
  refusal(): Problem | null {
    if (this.#draining) {
      return new Problem('draining', 'This origin is going to end.', { retryAfterSeconds: retryAfterSeconds.draining });
    }
    const [reason] = this.#fullness();
    if (reason !== undefined) {
      return new Problem('no_origin', `${reason}.`, { retryAfterSeconds: retryAfterSeconds.full });
    }
    const missing = this.#options.notReady();
    if (missing === null) return null;
    return new Problem('no_origin', `${missing}.`, { retryAfterSeconds: retryAfterSeconds.loading });
  }

  /** Everything that keeps this origin from taking jobs. */
  unreadiness(): string[] {
    const missing = this.#options.notReady();
    return [
      ...(this.#draining ? ['This origin is going to end'] : []),
      ...this.#fullness(),
      ...(missing === null ? [] : [missing]),
    ];
  }

  /** The state that is reported to the edge. */
  state(): Report['state'] {
    if (this.#draining) return 'draining';
    return this.#fullness().length > 0 ? 'full' : 'ready';
  }

  #fullness(): string[] {
    const { outbox, stateFolder, freeBytesMin } = this.#options;
    // On this thread: it takes microseconds, where the pool may be syncing files.
    const disk = statfsSync(stateFolder);
    const freeBytes = disk.bavail * disk.bsize;
    return [
      ...(outbox.full ? [`The outbox holds ${outbox.bytes} of ${outbox.bytesMax} bytes that wait for the edge`] : []),
      ...(freeBytes < freeBytesMin ? [`The disk has ${freeBytes} bytes free, fewer than ${freeBytesMin}`] : []),
    ];
  }
}
