import type { KeysObjects } from './access/calls.ts';
import type { RateLimiters } from './access/rate-limits.ts';
import type { FleetBindings } from './fleet/fleet.ts';
import type { Flights } from './flight/calls.ts';
import type { FlightBindings } from './flight/flight.ts';
import type { TenantObjects } from './tenant/calls.ts';
import type { TenantBindings } from './tenant/tenant.ts';
import type { WebhookObjects } from './webhooks/calls.ts';
import type { WebhookBindings } from './webhooks/webhooks.ts';

/**
 * What wrangler.toml and the secrets bind: what each Durable Object takes, which names that itself, and what the Worker
 * takes beside that. Known only where the program is wired: here, app.ts and worker.ts.
 */
export type Env = WorkerBindings & RateLimiters & FleetBindings & FlightBindings & TenantBindings & WebhookBindings;

type WorkerBindings = {
  INDEX: D1Database;
  FLIGHT: Flights;
  TENANT: TenantObjects;
  KEYS: KeysObjects;
  WEBHOOKS: WebhookObjects;
  /** The built pages. */
  SITE: Fetcher;
  /** Of an edge on somebody's own machine: the URL at which a proxy shows it to others, or empty; see `passLocalDoor`. */
  PUBLIC_URL?: string;
  DEFAULT_MODEL: string;
  /** Bytes of meshes that R2 may hold, a number as text; 0 is no bound. */
  STORE_BYTES_MAX: string;
  /** JSON text of the keys that the operator holds. */
  API_KEYS: string;
  /** Price of one GPU hour in the operator's money, a number as text; empty where GPU time is not to be priced. */
  GPU_PRICE_PER_HOUR: string;
  /** Bearer token of `/metrics`, if there is to be one. */
  METRICS_TOKEN?: string;
  /** `off` or `on`: whether anything may be asked without a key. */
  ANONYMOUS_TIER: string;
};

/** Reads the `STORE_BYTES_MAX` variable, a number of bytes; throws an Error that names it. */
export function parseStoreBytesMax(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new Error(`STORE_BYTES_MAX is "${text}", not a number of bytes`);
}

/** Reads the `GPU_PRICE_PER_HOUR` variable, null when it is empty; throws an Error that names it. */
export function parseGpuHourPrice(text: string): number | null {
  if (text === '') return null;
  if (/^\d{1,9}(\.\d{1,9})?$/.test(text)) return Number(text);
  throw new Error(`GPU_PRICE_PER_HOUR is "${text}", not a price`);
}
