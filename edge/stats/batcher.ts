import { waitUntil } from 'cloudflare:workers';

/**
 * Pause in milliseconds between the first record of a batch and its delivery. An isolate that is killed loses what it
 * recorded in this time, and no more.
 */
const flushMs = 1000;

/** Times that a batch is offered in a row before it waits for the next one, and the pause before each but the first. */
const attemptsMax = 3;
const attemptPauseMs = 500;

/** How often a batch looks whether the one before it is delivered. */
const turnPauseMs = 250;

/** Work that was not heard of for so long, in milliseconds, ended with the request that carried it. */
const carriedMsMax = 30_000;

/** Names a batch: a receiver that keeps the last sequence of each recorder takes each batch once. */
export type BatchId = { recorder: string; sequence: number };

export type BatcherOptions<Batch> = {
  /** An empty batch. */
  open: () => Batch;
  /** Delivers a batch; called again with the same id when it throws. */
  send: (batch: Batch, id: BatchId) => Promise<void>;
  /** Event in the log when a batch could not be delivered for now. */
  failureEvent: string;
};

/**
 * Gathers what an isolate records and delivers it about a second later, after the answers that it is about. Batches of
 * one recorder are delivered in their order, one at a time; one that is not taken is kept and offered again with the
 * next.
 */
export class Batcher<Batch> {
  readonly #options: BatcherOptions<Batch>;
  // Random values may not be drawn while a Worker is loaded.
  #recorder: string | null = null;
  #sequence = 0;
  #open: Batch | null = null;
  #closed: { batch: Batch; id: BatchId } | null = null;
  #carriedSinceMs = -Infinity;
  #sendingSinceMs = -Infinity;

  constructor(options: BatcherOptions<Batch>) {
    this.#options = options;
  }

  /** The batch to record in, at once and in this same turn; to be called while a request or an object's call runs. */
  record(): Batch {
    if (!isRecent(this.#carriedSinceMs)) {
      this.#carriedSinceMs = Date.now();
      waitUntil(this.#deliverLater());
    }
    return (this.#open ??= this.#options.open());
  }

  async #deliverLater(): Promise<void> {
    await scheduler.wait(flushMs);
    // No promise is shared with the request that carries the other delivery, since that one may end at any time.
    while (isRecent(this.#sendingSinceMs)) await scheduler.wait(turnPauseMs);
    this.#sendingSinceMs = Date.now();
    try {
      if (this.#closed !== null) await this.#deliver(this.#closed);
      this.#close();
      if (this.#closed !== null) await this.#deliver(this.#closed);
    } catch (error) {
      console.error(JSON.stringify({ event: this.#options.failureEvent, error: String(error) }));
      this.#carriedSinceMs = -Infinity;
    } finally {
      this.#sendingSinceMs = -Infinity;
    }
  }

  /** What is recorded from here on is the next batch, with a delivery of its own. */
  #close(): void {
    this.#carriedSinceMs = -Infinity;
    if (this.#open === null) return;
    this.#recorder ??= crypto.randomUUID();
    this.#closed = { batch: this.#open, id: { recorder: this.#recorder, sequence: ++this.#sequence } };
    this.#open = null;
  }

  async #deliver({ batch, id }: { batch: Batch; id: BatchId }): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#options.send(batch, id);
        this.#closed = null;
        return;
      } catch (error) {
        if (attempt === attemptsMax) throw error;
      }
      await scheduler.wait(attemptPauseMs);
    }
  }
}

function isRecent(timeMs: number): boolean {
  return Math.abs(Date.now() - timeMs) < carriedMsMax;
}
