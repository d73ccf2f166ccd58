import type { Origin } from '../fleet/origins.ts';
import type { FleetView } from '../fleet/fleet-view.ts';
import type { InputStore } from '../store/input-store.ts';
import { cancelJob, dispatchMsMax, sendJob, type Dispatch } from '../fleet/origin-client.ts';
import type { Picture } from './carried-picture.ts';
import type { OriginStatus } from '../fleet/calls.ts';
import {
  backedOff,
  dispatchedTo,
  leastOf,
  pictureMsMax,
  withLease,
  type FlightFailure,
  type FlightRecord,
} from './flight-record.ts';
import type { FlightStore } from './flight-store.ts';
import { rank } from './rank.ts';

type DispatcherOptions = {
  state: DurableObjectState;
  store: FlightStore;
  fleet: FleetView;
  /** The configured origins; no other is ever called, whatever the fleet says. */
  origins: readonly Origin[];
  inputs: InputStore;
  /** Ends the flight. */
  fail: (record: FlightRecord, failure: FlightFailure) => void;
};

/** Gives a flight's job to an origin. */
export class FlightDispatcher {
  readonly #options: DispatcherOptions;
  #dispatching = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /** Offers the job around, with its picture where that is at hand; backs off when no origin takes it. Never rejects. */
  async dispatch(picture: Picture | null = null): Promise<void> {
    if (this.#dispatching) return;
    this.#dispatching = true;
    try {
      await this.#offerAround(picture);
    } catch (error) {
      log('flight_dispatch_failed', { error: String(error) });
      this.#backOff(null);
    } finally {
      this.#dispatching = false;
    }
  }

  /** Tells an origin that nobody waits for the job any more as it was given with this record's fence. */
  cancelAt(originId: string, { job: { key }, fence }: FlightRecord): void {
    const { state, origins } = this.#options;
    state.waitUntil(cancelJob(origins, { originId, key, fence }));
  }

  /** Offers the job to one origin after the other until one takes it. */
  async #offerAround(picture: Picture | null): Promise<void> {
    const { fleet, store, inputs, fail } = this.#options;
    const origins = await fleet.origins();
    const waiting = store.open();
    if (waiting === null) return;
    let retryAfterSeconds: number | null = null;
    for (const origin of rank(origins, { job: waiting.job, last: waiting.last })) {
      const configured = this.#options.origins.find(({ id, url }) => id === origin.id && url === origin.url);
      if (configured === undefined) continue;
      const offered = this.#lend(origin);
      if (offered === null) return;
      const image = picture ?? (await inputs.read(offered.job.imageSha256));
      if (image === null) {
        // The request that brought the picture may be storing it still.
        if (Date.now() < offered.createdAtMs + pictureMsMax) return this.#backOff(null);
        const message = 'The picture is no longer stored; post it again.';
        return fail(offered, { code: 'mesh_failed', message });
      }
      const answer = await sendJob(configured, { ...offered.job, fence: offered.fence }, image);
      if (this.#settle(answer, origin, offered) === 'done') return;
      if (answer.outcome === 'busy') retryAfterSeconds = leastOf(retryAfterSeconds, answer.retryAfterSeconds);
    }
    this.#backOff(retryAfterSeconds);
  }

  /** Writes down who is about to get the job, before it is sent; null when nobody waits for it any more. */
  #lend(origin: OriginStatus): FlightRecord | null {
    const { store } = this.#options;
    const record = store.open();
    if (record === null) return null;
    const now = Date.now();
    record.fence = Math.max(now, record.fence + 1);
    record.leases = withLease(record.leases, { originId: origin.id, fence: record.fence });
    record.state = dispatchedTo(origin, now + dispatchMsMax);
    store.save(record);
    return record;
  }

  /** Acts on an origin's answer; 'next' means that another origin should be asked. */
  #settle(answer: Dispatch, origin: OriginStatus, offered: FlightRecord): 'done' | 'next' {
    const { store, fleet, fail } = this.#options;
    const record = store.open();
    if (record === null || record.fence !== offered.fence) {
      // Finished, or cancelled, while the job was on its way.
      if (answer.outcome === 'accepted' && store.load() !== null) this.cancelAt(origin.id, offered);
      return 'done';
    }
    if (answer.outcome === 'accepted') {
      fleet.noteDispatch(origin.id);
      // Progress may have come before the answer.
      const stage = record.state.is === 'dispatched' ? record.state.stage : 'queue';
      store.save({ ...record, backoffs: 0, state: { ...dispatchedTo(origin, Date.now()), stage } });
      return 'done';
    }
    if (answer.outcome === 'refused') {
      fail(record, answer.failure);
      return 'done';
    }
    if (answer.outcome === 'unreachable') {
      log('origin_unreachable', { originId: origin.id, key: record.job.key, cause: String(answer.cause) });
    }
    return 'next';
  }

  #backOff(retryAfterSeconds: number | null): void {
    const { store } = this.#options;
    const record = store.open();
    if (record !== null) store.save(backedOff(record, { retryAfterSeconds, now: Date.now() }));
  }
}

/** A line about a flight, for the operator. */
export function log(event: string, details: Record<string, unknown>): void {
  console.warn(JSON.stringify({ event, ...details }));
}
