import type { Report } from '../../contract/report.ts';
import { ReportAnswer } from '../../contract/removals.ts';
import { reportIntervalSeconds } from '../../contract/report.ts';
import { causeText, log } from '../log.ts';
import type { CallEdge } from '../write-back/edge-client.ts';

type ReporterOptions = {
  callEdge: CallEdge;
  read: () => Promise<Report>;
  /** Called with what the edge answers to a report; the next report does not wait for what it begins. */
  onTaken: (answer: ReportAnswer) => void;
  /** Called when the edge takes a report after it did not, and for the first. */
  onReached: () => void;
};

/** Sends a report every few seconds, and at once when something has changed; one is on its way at most. */
export class Reporter {
  readonly #options: ReporterOptions;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | null = null;
  #changed = false;
  #reached: boolean | null = null;
  #stopped = false;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /** Sends a report now; one that is on its way is followed by another. */
  now(): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    if (this.#sending !== null) {
      this.#changed = true;
      return;
    }
    this.#changed = false;
    this.#sending = this.#send().finally(() => {
      this.#sending = null;
      if (this.#changed) this.now();
      else if (!this.#stopped) this.#timer = setTimeout(() => this.now(), reportIntervalSeconds * 1000);
    });
  }

  /** Sends what has changed, then no more; ends when the last one has been answered. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#sending;
    if (this.#changed) await this.#send();
  }

  async #send(): Promise<void> {
    try {
      const body = new TextEncoder().encode(JSON.stringify(await this.#options.read()));
      const mediaType = 'application/json';
      const secondsMax = reportIntervalSeconds;
      const answer = await this.#options.callEdge({
        method: 'POST',
        path: '/origin/reports',
        body,
        mediaType,
        secondsMax,
      });
      if (answer.status >= 300)
        throw new Error(`${answer.status} ${new TextDecoder().decode(answer.bytes).slice(0, 300)}`);
      if (this.#reached !== true) log('edge reached');
      const first = this.#reached !== true;
      this.#reached = true;
      if (first) this.#options.onReached();
      const taken = ReportAnswer.safeParse(JSON.parse(new TextDecoder().decode(answer.bytes)));
      if (taken.success) this.#options.onTaken(taken.data); // an edge before this version keeps no list
    } catch (error) {
      // Said once an outage, not every five seconds.
      if (this.#reached !== false) log('edge not reached', { cause: causeText(error) });
      this.#reached = false;
    }
  }
}
