import { waitUntil } from 'cloudflare:workers';

/**
 * Milliseconds between the first record of a batch and its delivery. An isolate that is killed loses at most this
 * much.
 */
const flushMs = 1000;

/** Delivery attempts in a row, and the pause before each but the first. After them the batch waits for the next one. */
const attemptsMax = 3;
const attemptPauseMs = 500;

/** How often a batch checks whether the previous one was delivered. */
const turnPauseMs = 250;

/** A delivery that has not finished after this many milliseconds ended with the request that carried it. */
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
 * Collects what an isolate records and delivers it about a second later, after the answers. Batches of one recorder
 * are delivered in order, one at a time. A batch that is not accepted is kept and offered again with the next.
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
    // Promises are not shared between requests: the request that carries the other delivery may end at any time.
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

  /** Later records go into the next batch, which has its own delivery. */
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
