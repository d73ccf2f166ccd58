import type { FlightView } from './flight-record.ts';
import { webhooksOf, type Webhooks } from '../webhooks/webhooks.ts';

const prefix = 'watcher:';

/** The tenants whose webhooks are to hear how a flight ends; one that cannot be told asks by itself after a while. */
export class FlightWatchers {
  readonly #state: DurableObjectState;
  readonly #webhooks: DurableObjectNamespace<Webhooks>;

  constructor(state: DurableObjectState, webhooks: DurableObjectNamespace<Webhooks>) {
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
    const told = webhooksOf(this.#webhooks, tenant)
      .ended(key, view)
      .catch((error: unknown) => {
        console.warn(JSON.stringify({ event: 'webhooks_not_told', key, tenant, error: String(error) }));
      });
    this.#state.waitUntil(told);
  }
}
