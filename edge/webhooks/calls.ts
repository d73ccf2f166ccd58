import type { FlightView } from '../flight/flight-record.ts';
import type { MeshState } from '../meshes/mesh-state.ts';
import type { Objects } from '../objects.ts';
import type { WebhookSecrets } from './secrets.ts';
import type { DeliveryPage, Watch } from './webhook-store.ts';

/** A URL to tell about a mesh: now if the mesh has ended, else when its flight ends. */
export type Announcement = Watch & { state: MeshState };

/** The Webhooks objects, each by its tenant's name. */
export type WebhookObjects = Objects<WebhookCalls>;

/** The calls of a Webhooks object. */
export type WebhookCalls = {
  /** Accepts an announcement. False when too much is open. */
  announce(announcement: Announcement): Promise<boolean>;

  /** Hears from a flight how it ended. */
  ended(key: string, view: FlightView): Promise<void>;

  /** The signing secret, and the previous one while it still signs. */
  secrets(): WebhookSecrets;

  /** Makes a new secret. The previous one also signs for a day. */
  rotate(): WebhookSecrets;

  /** A page of what was sent and what is still to be. */
  list(page: { limit: number; after: string | null }): DeliveryPage;
};
