import type { FlightView } from './flight-record.ts';
import type { Objects } from '../objects.ts';

const prefix = 'watcher:';

/** Those who hear how a flight ended, each by its tenant's name. */
export type FlightListeners = Objects<{ ended(key: string, view: FlightView): Promise<void> }>;

/** The tenants whose webhooks are to hear how a flight ends; one that cannot be told asks by itself after a while. */
export class FlightWatchers {
  readonly #state: DurableObjectState;
  readonly #webhooks: FlightListeners;

  constructor(state: DurableObjectState, webhooks: FlightListeners) {
    this.#state = state;
    this.#webhooks = webhooks;
  }

  add(tenant: string): void {
    this.#state.storage.kv.put(prefix + tenant, true);
  }

  /** Tells all of them. */
  tellAll(key: string, view: FlightView): void {
    const names = [...this.#state.storage.kv.list<true>({ prefix })].map(([name]) => name);
    for (const name of names) this.tellOne(name.slice(prefix.length), key, view);
  }

  /** Tells one tenant, if it is among them. */
  tellOne(tenant: string, key: string, view: FlightView): void {
    if (!this.#state.storage.kv.delete(prefix + tenant)) return;
    const told = this.#webhooks
      .getByName(tenant)
      .ended(key, view)
      .catch((error: unknown) => {
        console.warn(JSON.stringify({ event: 'webhooks_not_told', key, tenant, error: String(error) }));
      });
    this.#state.waitUntil(told);
  }
}
