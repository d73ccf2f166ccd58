import type { FlightView } from '../flight/flight-record.ts';
import type { MeshState } from '../meshes/mesh-state.ts';
import type { Objects } from '../objects.ts';
import type { WebhookSecrets } from './secrets.ts';
import type { DeliveryPage, Watch } from './webhook-store.ts';

/** A mesh of which a URL is to be told: now, or when its flight ends. */
export type Announcement = Watch & { state: MeshState };

/** The Webhooks objects, each by its tenant's name. */
export type WebhookObjects = Objects<WebhookCalls>;

/** The calls of a Webhooks object. */
export type WebhookCalls = {
  /** Takes on to tell of a mesh; false when too much is open. */
  announce(announcement: Announcement): Promise<boolean>;

  /** Hears from a flight how it ended. */
  ended(key: string, view: FlightView): Promise<void>;

  /** The secret that signs what is sent, and the one before while that still does. */
  secrets(): WebhookSecrets;

  /** Makes a new secret; the one before signs too for a while. */
  rotate(): WebhookSecrets;

  /** A page of what was sent and what is still to be. */
  list(page: { limit: number; after: string | null }): DeliveryPage;
};
