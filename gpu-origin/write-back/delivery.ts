import { setTimeout as sleep } from 'node:timers/promises';
import { flightLifeMsMax } from '../../contract/job.ts';
import { causeText, log } from '../log.ts';
import { withTrace } from '../trace.ts';
import type { CallEdge } from './edge-client.ts';
import type { Outbox } from './outbox.ts';
import type { Outcome } from './outcome.ts';
import { sendBlob, sendResult, type JobBlob } from './send-result.ts';
import { isCarried, type Shipment, type ShippedFile } from './shipment.ts';

/** Results from the outbox that are sent at the same time. */
const sendingMax = 4;

/** Blobs that are uploaded ahead of their results at the same time. They keep no result waiting. */
const aheadMax = 8;

/** Results that are sent before they are on disk, at the same time, and how long each may take, in milliseconds. */
const atOnceMax = 8;
const atOnceMsMax = 1000;

const retryMsMin = 500;
const retryMsMax = 60_000;

type Attempts = { failures: number; dueMs: number };

type DeliveryOptions = {
  outbox: Outbox;
  callEdge: CallEdge;
  /** Called when a result has left the outbox. */
  onGone: (outcome: 'delivered' | 'dropped', shipment: Shipment) => void;
};

/**
 * Sends results until the edge has them: at once where that can be, else from the outbox, several at a time, each retried
 * with backoff and jitter.
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #sending = new Set<string>();
  readonly #attempts = new Map<string, Attempts>();
  #sendingAhead = 0;
  #sendingAtOnce = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /**
   * Begins to upload a blob as soon as it is made, since somebody waits for the mesh. Null when too many uploads are under
   * way: the blob is then sent once its result is on disk.
   */
  sendAhead(blob: JobBlob, bytes: Uint8Array): Promise<Outcome> | null {
    if (this.#stopped || this.#sendingAhead >= aheadMax || this.#sending.size >= sendingMax) return null;
    this.#sendingAhead += 1;
    const sent = sendBlob(blob, { body: bytes, bodySha256: blob.sha256 }, this.#options.callEdge).finally(
      () => (this.#sendingAhead -= 1),
    );
    sent.catch(() => undefined); // the sender of the result awaits it; a job that fails has no result to send
    return sent;
  }

  /**
   * Sends a result before it is on disk, since somebody waits for the mesh. A crash loses nothing: the job is in the spool
   * until the edge has the result. Resolves with null when the edge took it within `atOnceMsMax`, else with the shipment
   * that is to be put into the outbox, which holds the attempt that is still under way. Returns null, and sends nothing,
   * when a blob was not uploaded ahead (a thumbnail inside the result need not be) or too many results are under way.
   */
  sendAtOnce(shipment: Shipment): Promise<Shipment | null> | null {
    const { files } = shipment;
    const carried = files.find((file) => isCarried(shipment, file));
    const canFollow = files.length > 0 && files.every((file) => file.upload !== null || file === carried);
    if (this.#stopped || !canFollow || this.#sendingAtOnce >= atOnceMax) return null;
    const attempt = Promise.all(files.flatMap(({ upload }) => upload ?? [])).then((outcomes) =>
      outcomes.every(({ state }) => state === 'delivered')
        ? sendResult(shipment, carried?.content ?? null, this.#options.callEdge)
        : null,
    );
    return this.#takenAtOnce({
      ...shipment,
      attempt: attempt.catch(() => null), // sent again from the outbox
    });
  }

  async #takenAtOnce(shipment: Shipment): Promise<Shipment | null> {
    this.#sendingAtOnce += 1;
    const late = new AbortController();
    const outcome = await Promise.race([shipment.attempt, sleep(atOnceMsMax, null, { signal: late.signal })]);
    late.abort();
    this.#sendingAtOnce -= 1;
    if (outcome?.state !== 'delivered') return shipment;
    this.#options.onGone('delivered', shipment);
    this.retryNow();
    return null;
  }

  /** Sends what is due; called when a result was added. */
  kick(): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    let nextDueMs = Infinity;
    for (const shipment of this.#options.outbox.entries.values()) {
      if (this.#sending.has(shipment.key)) continue;
      const dueMs = this.#attempts.get(shipment.key)?.dueMs ?? 0;
      if (dueMs > Date.now()) nextDueMs = Math.min(nextDueMs, dueMs);
      else if (this.#sending.size < sendingMax) void withTrace(shipment.trace, () => this.#send(shipment));
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

  async #send(shipment: Shipment): Promise<void> {
    const { key, attempt } = shipment;
    this.#sending.add(key);
    try {
      const first = !this.#attempts.has(key);
      const outcome = (first ? await attempt : null) ?? (await this.#sendWhole(shipment, first));
      await this.#settle(shipment, outcome);
      if (outcome.state !== 'retry') this.retryNow();
    } catch (error) {
      this.#retryLater(key, causeText(error), null);
    } finally {
      this.#sending.delete(key);
      this.kick();
    }
  }

  async #sendWhole(shipment: Shipment, first: boolean): Promise<Outcome> {
    const blobs = await this.#sendBlobs(shipment, first);
    if (blobs.state !== 'delivered') return blobs;
    const { outbox, callEdge } = this.#options;
    const carried = shipment.files.find((file) => isCarried(shipment, file));
    return sendResult(shipment, carried === undefined ? null : await outbox.content(shipment, carried), callEdge);
  }

  /** Sends the blobs of a result, except the one inside it. The first time, uploads that began ahead count. */
  async #sendBlobs(shipment: Shipment, first: boolean): Promise<Outcome> {
    if (shipment.result.outcome === 'failed') return { state: 'delivered' };
    const { outbox, callEdge } = this.#options;
    const send = async (file: ShippedFile): Promise<Outcome> => {
      if (isCarried(shipment, file)) return { state: 'delivered' };
      if (first && file.upload !== null) return file.upload;
      return sendBlob({ ...shipment, ...file }, { body: await outbox.content(shipment, file) }, callEdge);
    };
    // Together: whoever waits for the mesh waits for the slowest of them, not for their sum.
    const outcomes = await Promise.all(shipment.files.map(send));
    return outcomes.find(({ state }) => state !== 'delivered') ?? { state: 'delivered' };
  }

  async #settle(shipment: Shipment, outcome: Outcome): Promise<void> {
    const { outbox } = this.#options;
    if (outcome.state === 'retry' && Date.now() - shipment.finishedAtMs < flightLifeMsMax) {
      this.#retryLater(shipment.key, outcome.cause, outcome.afterMs);
      return;
    }
    this.#attempts.delete(shipment.key);
    const fenceRaised = outbox.entries.get(shipment.key)?.result.fence !== shipment.result.fence;
    // An answer to the old fence says nothing of the dispatch that came meanwhile: the result is sent again.
    if (outcome.state !== 'delivered' && fenceRaised) return;
    if (outcome.state !== 'delivered') log('result not taken by the edge', { key: shipment.key, ...outcome });
    if (outcome.state === 'refused' && shipment.result.outcome === 'completed') {
      await this.#tellRefused(shipment, outcome.cause);
      return;
    }
    const delivered = outcome.state === 'delivered';
    await (delivered ? outbox.remove(shipment.key) : outbox.drop(shipment.key));
    this.#options.onGone(delivered ? 'delivered' : 'dropped', shipment);
  }

  /** Sends a failure in the result's place, so that whoever waits hears at once that the mesh will not come. */
  async #tellRefused(shipment: Shipment, cause: string): Promise<void> {
    const failure = {
      code: 'internal_error' as const,
      message: `The mesh could not be stored: ${cause}`.slice(0, 500),
    };
    await this.#options.outbox.update(shipment.key, ({ fence }) => ({ outcome: 'failed', fence, failure }));
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
