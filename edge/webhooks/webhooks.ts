import { DurableObject } from 'cloudflare:workers';
import type { Manifests } from '../store/manifests.ts';
import { openStores, type StoreBindings } from '../store/stores.ts';
import { parseUrlSecret } from '../meshes/asset-url.ts';
import { flyingMesh, foundMesh, madeMesh, type MeshState } from '../meshes/mesh-state.ts';
import { openOutside, outsideMsMax, type Outside } from '../outside/outside.ts';
import { eventOf, lostEvent, type MeshEvent } from './event.ts';
import { readSecrets, rotateSecret, type WebhookSecrets } from './secrets.ts';
import { send } from './send.ts';
import { WebhookStore, type DeliveryPage, type Watch } from './webhook-store.ts';
import type { FlightCalls } from '../flight/calls.ts';
import type { Objects } from '../objects.ts';
import type { Announcement, WebhookCalls } from './calls.ts';
import type { FlightView } from '../flight/flight-record.ts';

/** How many events are sent, and flights checked, at once. */
const concurrent = 16;

/** The bindings that a Webhooks object takes. */
export type WebhookBindings = StoreBindings & {
  FLIGHT: Objects<Pick<FlightCalls, 'watch'>>;
  /** Signs the expiring URLs of private meshes. Changing it invalidates the URLs that were given out. */
  URL_SECRET: string;
  /** Reaches servers that clients name, on a machine with a network of its own. Absent on Cloudflare. */
  OUTSIDE?: Fetcher;
};

/** One tenant's webhooks: its secret, the meshes it watches, and the events to deliver. */
export class Webhooks extends DurableObject<WebhookBindings> implements WebhookCalls {
  readonly #store: WebhookStore;
  readonly #manifests: Manifests;
  readonly #outside: Outside;

  constructor(state: DurableObjectState, env: WebhookBindings) {
    super(state, env);
    this.#store = new WebhookStore(state.storage);
    this.#manifests = openStores(env).manifests;
    this.#outside = openOutside(env.OUTSIDE);
  }

  async announce({ state, ...watch }: Announcement): Promise<boolean> {
    // defence: API4-10
    if (this.#store.isFull) return false;
    const event = await this.#eventOf(watch, state);
    if (event !== null) {
      this.#store.add({ key: watch.mesh.key, url: watch.url, event });
      return true;
    }
    this.#store.watch(watch);
    // The flight may have ended since the caller looked. From here on it tells by itself.
    await this.#look(watch.mesh.key);
    return true;
  }

  async ended(key: string, view: FlightView): Promise<void> {
    const watches = this.#store.watchesOf(key);
    if (watches.length === 0) return;
    const state = await this.#stateOf(key, view);
    for (const watch of watches) {
      const event = await this.#eventOf(watch, state && askedBy(watch, state));
      if (event !== null) this.#store.end(watch, event);
    }
  }

  secrets(): WebhookSecrets {
    return readSecrets(this.ctx.storage);
  }

  rotate(): WebhookSecrets {
    return rotateSecret(this.ctx.storage);
  }

  list(page: { limit: number; after: string | null }): DeliveryPage {
    return this.#store.list(page);
  }

  override async alarm(): Promise<void> {
    // If this process ends during the attempts, they are made again once they are surely over.
    await this.ctx.storage.setAlarm(Date.now() + 2 * outsideMsMax);
    const { secret, previous } = this.secrets();
    const secrets = previous === null ? [secret] : [secret, previous.secret];
    await Promise.all([
      ...this.#store.keysToLookAt(concurrent).map((key) => this.#look(key)),
      ...this.#store.due(concurrent).map(async (message) => {
        this.#store.settle(message.id, await send(message, { secrets, outside: this.#outside }));
      }),
    ]);
    await this.ctx.storage.deleteAlarm();
    this.#store.wakeUp();
  }

  /** Asks a flight to tell when it ends, and acts at once if it already has. */
  async #look(key: string): Promise<void> {
    try {
      const view = await this.env.FLIGHT.getByName(key).watch(this.#tenant);
      if (view.is !== 'queued' && view.is !== 'in_progress') await this.ended(key, view);
    } catch (error) {
      console.warn(JSON.stringify({ event: 'webhook_flight_not_asked', key, error: String(error) }));
    }
  }

  #eventOf({ mesh, baseUrl }: Watch, state: MeshState | null): Promise<MeshEvent | null> {
    const assetUrls = { baseUrl, secret: parseUrlSecret(this.env.URL_SECRET) };
    return state === null ? Promise.resolve(lostEvent(mesh)) : eventOf(state, { assetUrls, metadata: mesh.metadata });
  }

  /** The state of a flight's mesh. Null when both flight and mesh are gone. */
  async #stateOf(key: string, view: FlightView): Promise<MeshState | null> {
    if (view.is === 'completed') return madeMesh(view.manifest, 'miss');
    if (view.is !== 'gone') return flyingMesh(key, view, 'miss');
    const stored = await this.#manifests.readTruth(key);
    return stored && foundMesh({ manifest: stored.manifest, tier: 'r2' });
  }

  get #tenant(): string {
    const { name } = this.ctx.id;
    if (name === undefined) throw new Error('a Webhooks object is named by its tenant; this is a bug');
    return name;
  }
}

/** The state as the request of this watch met it: one that joined a flight did not start it. */
function askedBy({ joined }: Watch, state: MeshState): MeshState {
  if (joined === undefined || state.is === 'refused' || state.cache.status !== 'miss') return state;
  return { ...state, cache: { ...state.cache, status: 'joined' } };
}
