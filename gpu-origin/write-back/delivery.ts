import { setTimeout as sleep } from 'node:timers/promises';
import { flightLifeMsMax } from '../../contract/job.ts';
import { causeText, log } from '../log.ts';
import { withTrace } from '../trace.ts';
import type { CallEdge } from './edge-client.ts';
import type { Outbox, OutboxEntry } from './outbox.ts';
import { isCarried, sendBlob, sendResult, type JobBlob, type Outcome } from './send-result.ts';

/** Results that are sent at once. */
const sendingMax = 4;

/** Blobs that are on their way at once before their results. They keep no result waiting. */
const aheadMax = 8;

/** Results that are on their way at once before they are on disk, and how long one may be, in milliseconds. */
const atOnceMax = 8;
const atOnceMsMax = 1000;

const retryMsMin = 500;
const retryMsMax = 60_000;

type Attempts = { failures: number; dueMs: number };

type DeliveryOptions = {
  outbox: Outbox;
  callEdge: CallEdge;
  /** Called when a result has left the outbox. */
  onGone: (outcome: 'delivered' | 'dropped', entry: OutboxEntry) => void;
};

/**
 * Sends results until the edge has them: at once where that can be, else from the outbox, several at a time, each retried
 * with backoff and jitter.
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #sending = new Set<string>();
  readonly #attempts = new Map<string, Attempts>();
  /** What became of blobs that went ahead, by their bytes; of those of a result, in their order; and of the result. */
  readonly #ahead = new WeakMap<Uint8Array, Promise<Outcome>>();
  readonly #aheadOf = new WeakMap<OutboxEntry, (Promise<Outcome> | undefined)[]>();
  readonly #resultAhead = new WeakMap<OutboxEntry, Promise<Outcome | null>>();
  #sendingAhead = 0;
  #sendingAtOnce = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /**
   * Begins to send a blob as soon as it is made, as somebody waits for the mesh; false where too much is on its way, so
   * that the blob goes when its result is on disk.
   */
  sendAhead(blob: JobBlob, bytes: Uint8Array): boolean {
    if (this.#stopped || this.#sendingAhead >= aheadMax || this.#sending.size >= sendingMax) return false;
    this.#sendingAhead += 1;
    const sent = sendBlob(blob, { body: bytes, bodySha256: blob.sha256 }, this.#options.callEdge).finally(
      () => (this.#sendingAhead -= 1),
    );
    sent.catch(() => undefined); // whoever sends the result looks at it, unless there never is one
    this.#ahead.set(bytes, sent);
    return true;
  }

  /**
   * Sends a result before it is on disk, as somebody waits for the mesh: its job is in the spool until the edge has it, so
   * that it is lost by no crash. Whether the edge has it within `atOnceMsMax`; where not, it is to be put into the outbox,
   * and what became of it here is looked at with the next `kick`. Null where one of its blobs did not go ahead (but for one
   * that it carries), or too much is on its way.
   */
  sendAtOnce(entry: OutboxEntry, bytes: readonly Uint8Array[]): Promise<boolean> | null {
    const ahead = bytes.map((each) => this.#ahead.get(each));
    this.#aheadOf.set(entry, ahead);
    const carried = entry.blobs.findIndex((blob) => isCarried(entry, blob));
    const canFollow = bytes.length > 0 && ahead.every((sent, i) => sent !== undefined || i === carried);
    if (this.#stopped || !canFollow || this.#sendingAtOnce >= atOnceMax) return null;
    const followed = Promise.all(ahead.filter((sent) => sent !== undefined)).then((outcomes) =>
      outcomes.every(({ state }) => state === 'delivered')
        ? sendResult(entry, bytes[carried] ?? null, this.#options.callEdge)
        : null,
    );
    return this.#takenAtOnce(
      entry,
      followed.catch(() => null), // sent again with what is in the outbox
    );
  }

  async #takenAtOnce(entry: OutboxEntry, followed: Promise<Outcome | null>): Promise<boolean> {
    this.#sendingAtOnce += 1;
    const late = new AbortController();
    const outcome = await Promise.race([followed, sleep(atOnceMsMax, null, { signal: late.signal })]);
    late.abort();
    this.#sendingAtOnce -= 1;
    if (outcome?.state !== 'delivered') {
      this.#resultAhead.set(entry, followed);
      return false;
    }
    this.#options.onGone('delivered', entry);
    this.retryNow();
    return true;
  }

  /** Sends what is due; called when a result was added. */
  kick(): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    let nextDueMs = Infinity;
    for (const entry of this.#options.outbox.entries.values()) {
      if (this.#sending.has(entry.key)) continue;
      const dueMs = this.#attempts.get(entry.key)?.dueMs ?? 0;
      if (dueMs > Date.now()) nextDueMs = Math.min(nextDueMs, dueMs);
      else if (this.#sending.size < sendingMax) void withTrace(entry.trace, () => this.#send(entry));
      else break; // the end of one that is being sent comes here again
    }
    if (nextDueMs < Infinity) this.#timer = setTimeout(() => this.kick(), nextDueMs - Date.now());
  }

  /** Makes everything due at once: the edge has answered again. */
  retryNow(): void {
    for (const attempts of this.#attempts.values()) attempts.dueMs = 0;
    this.kick();
  }

  /** Sends what is left for at most `secondsMax`, then stops; the rest stays on disk. */
  async flush(secondsMax: number): Promise<void> {
    this.retryNow();
    const untilMs = Date.now() + secondsMax * 1000;
    while (this.#options.outbox.entries.size > 0 && Date.now() < untilMs) await sleep(20);
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #send(entry: OutboxEntry): Promise<void> {
    this.#sending.add(entry.key);
    try {
      const ahead = this.#resultAhead.get(entry);
      this.#resultAhead.delete(entry);
      const outcome = (await ahead) ?? (await this.#sendWhole(entry));
      await this.#settle(entry, outcome);
      if (outcome.state !== 'retry') this.retryNow();
    } catch (error) {
      this.#retryLater(entry.key, causeText(error), null);
    } finally {
      this.#sending.delete(entry.key);
      this.kick();
    }
  }

  async #sendWhole(entry: OutboxEntry): Promise<Outcome> {
    const blobs = await this.#blobsSent(entry);
    if (blobs.state !== 'delivered') return blobs;
    const { outbox, callEdge } = this.#options;
    const carried = entry.blobs.find((blob) => isCarried(entry, blob));
    return sendResult(entry, carried === undefined ? null : await outbox.blobBytes(entry, carried), callEdge);
  }

  /** Sends the blobs of a result, but for one that it carries, and those that went ahead the first time. */
  async #blobsSent(entry: OutboxEntry): Promise<Outcome> {
    const { outbox, callEdge } = this.#options;
    if (entry.result.outcome === 'failed') return { state: 'delivered' };
    const ahead = this.#aheadOf.get(entry) ?? [];
    this.#aheadOf.delete(entry);
    // Together: whoever waits for the mesh waits for the slowest of them, not for their sum.
    const outcomes = await Promise.all(
      entry.blobs.map(async (blob, i) => {
        if (isCarried(entry, blob)) return { state: 'delivered' } as const;
        return ahead[i] ?? sendBlob({ ...entry, ...blob }, { body: await outbox.blobBytes(entry, blob) }, callEdge);
      }),
    );
    return outcomes.find(({ state }) => state !== 'delivered') ?? { state: 'delivered' };
  }

  async #settle(entry: OutboxEntry, outcome: Outcome): Promise<void> {
    const { outbox } = this.#options;
    if (outcome.state === 'retry' && Date.now() - entry.finishedAtMs < flightLifeMsMax) {
      this.#retryLater(entry.key, outcome.cause, outcome.afterMs);
      return;
    }
    this.#attempts.delete(entry.key);
    const fenceRaised = outbox.entries.get(entry.key)?.result.fence !== entry.result.fence;
    // What the edge says to an old fence means nothing for the dispatch that came meanwhile: it is sent again.
    if (outcome.state !== 'delivered' && fenceRaised) return;
    if (outcome.state !== 'delivered') log('result not taken by the edge', { key: entry.key, ...outcome });
    if (outcome.state === 'refused' && entry.result.outcome === 'completed') {
      await this.#tellRefused(entry, outcome.cause);
      return;
    }
    const delivered = outcome.state === 'delivered';
    await (delivered ? outbox.remove(entry.key) : outbox.drop(entry.key));
    this.#options.onGone(delivered ? 'delivered' : 'dropped', entry);
  }

  /** Those who wait hear at once that the mesh will not come. */
  async #tellRefused(entry: OutboxEntry, cause: string): Promise<void> {
    const failure = {
      code: 'internal_error' as const,
      message: `The mesh could not be stored: ${cause}`.slice(0, 500),
    };
    await this.#options.outbox.update(entry.key, (present) => ({
      ...present,
      result: { outcome: 'failed', fence: present.result.fence, failure },
    }));
  }

  #retryLater(key: string, cause: string, afterMs: number | null): void {
    const failures = (this.#attempts.get(key)?.failures ?? 0) + 1;
    const ceilingMs = Math.min(retryMsMin * 2 ** failures, retryMsMax);
    // Full jitter over the upper half: results of one outage do not come back in step.
    const delayMs = Math.max(ceilingMs * (0.5 + Math.random() / 2), afterMs ?? 0);
    this.#attempts.set(key, { failures, dueMs: Date.now() + delayMs });
    log('result not delivered', { key, failures, retryMs: Math.round(delayMs), cause });
  }
}
