import { DurableObject } from 'cloudflare:workers';
import { Manifests } from '../store/manifests.ts';
import type { Env } from '../env.ts';
import { parseUrlSecret } from '../meshes/asset-url.ts';
import { flyingMesh, foundMesh, madeMesh, type MeshState } from '../meshes/mesh-state.ts';
import { openOutside, outsideMsMax, type Outside } from '../outside/outside.ts';
import { eventOf, lostEvent, type MeshEvent } from './event.ts';
import { readSecrets, rotateSecret, type WebhookSecrets } from './secrets.ts';
import { send } from './send.ts';
import { WebhookStore, type DeliveryPage, type Watch } from './webhook-store.ts';
import { flightOf } from '../flight/flight-calls.ts';
import type { FlightView } from '../flight/flight-record.ts';

/** Events that are sent at once, and flights that are looked at. */
const concurrent = 16;

/** A mesh of which a URL is to be told: now, or when its flight ends. */
export type Announcement = Watch & { state: MeshState };

/** One tenant's webhooks: its secret, the meshes that it waits for, and the events on their way. */
export class Webhooks extends DurableObject<Env> {
  readonly #store: WebhookStore;
  readonly #manifests: Manifests;
  readonly #outside: Outside;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#store = new WebhookStore(state.storage);
    this.#manifests = new Manifests({ kv: env.MANIFESTS, r2: env.STORE });
    this.#outside = openOutside(env.OUTSIDE);
  }

  /** Takes on to tell of a mesh; false when too much is open. */
  async announce({ state, ...watch }: Announcement): Promise<boolean> {
    // defence: API4-10
    if (this.#store.isFull) return false;
    const event = await this.#eventOf(watch, state);
    if (event !== null) {
      this.#store.add({ key: watch.mesh.key, url: watch.url, event });
      return true;
    }
    this.#store.watch(watch);
    // It may have ended since the caller looked; from here on the flight tells by itself.
    await this.#look(watch.mesh.key);
    return true;
  }

  /** Hears from a flight how it ended. */
  async ended(key: string, view: FlightView): Promise<void> {
    const watches = this.#store.watchesOf(key);
    if (watches.length === 0) return;
    const state = await this.#stateOf(key, view);
    for (const watch of watches) {
      const event = await this.#eventOf(watch, state);
      if (event !== null) this.#store.end(watch, event);
    }
  }

  secrets(): WebhookSecrets {
    return readSecrets(this.ctx.storage);
  }

  rotate(): WebhookSecrets {
    return rotateSecret(this.ctx.storage);
  }

  /** A page of what was sent and what is still to be. */
  list(page: { limit: number; after: string | null }): DeliveryPage {
    return this.#store.list(page);
  }

  override async alarm(): Promise<void> {
    // Should this process end meanwhile, what is due is tried again once these attempts are surely over.
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

  /** Asks a flight to tell of its end, and acts on it if that was already. */
  async #look(key: string): Promise<void> {
    try {
      const view = await flightOf(this.env.FLIGHT, key).watch(this.#tenant);
      if (view.is !== 'queued' && view.is !== 'in_progress') await this.ended(key, view);
    } catch (error) {
      console.warn(JSON.stringify({ event: 'webhook_flight_not_asked', key, error: String(error) }));
    }
  }

  #eventOf({ mesh, baseUrl }: Watch, state: MeshState | null): Promise<MeshEvent | null> {
    const assetUrls = { baseUrl, secret: parseUrlSecret(this.env.URL_SECRET) };
    return state === null ? Promise.resolve(lostEvent(mesh)) : eventOf(state, { assetUrls, metadata: mesh.metadata });
  }

  /** The mesh as a flight has it; null when neither the flight nor the mesh is there any more. */
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

type Call = 'announce' | 'ended' | 'secrets' | 'rotate' | 'list';

/** The calls that others make of a Webhooks object, with the types of a manifest as they are. */
export type WebhookCalls = {
  [Name in Call]: (...args: Parameters<Webhooks[Name]>) => Promise<Awaited<ReturnType<Webhooks[Name]>>>;
};

/** The one Webhooks object of a tenant; a stub belongs to the request that made it, so it is never kept. */
export function webhooksOf(namespace: DurableObjectNamespace<Webhooks>, tenant: string): WebhookCalls {
  return namespace.getByName(tenant) as unknown as WebhookCalls;
}
