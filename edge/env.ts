import type { LimitVariables } from './tenant/limit-settings.ts';
import type { RateLimiters } from './access/rate-limits.ts';
import type { Fleet } from './fleet/fleet.ts';
import type { Flight } from './flight/flight.ts';
import type { Keys } from './access/keys.ts';
import type { Stats } from './stats/stats.ts';
import type { Tenant } from './tenant/tenant.ts';
import type { Webhooks } from './webhooks/webhooks.ts';

/** What wrangler.toml and the secrets bind; `ORIGINS` and `API_KEYS` are JSON texts. */
export type Env = {
  MANIFESTS: KVNamespace;
  STORE: R2Bucket;
  INDEX: D1Database;
  FLIGHT: DurableObjectNamespace<Flight>;
  FLEET: DurableObjectNamespace<Fleet>;
  TENANT: DurableObjectNamespace<Tenant>;
  KEYS: DurableObjectNamespace<Keys>;
  WEBHOOKS: DurableObjectNamespace<Webhooks>;
  /** The built pages. */
  SITE: Fetcher;
  STATS: DurableObjectNamespace<Stats>;
  /** The way to servers that clients name, where the machine has a network of its own; none on Cloudflare. */
  OUTSIDE?: Fetcher;
  DEFAULT_MODEL: string;
  /** Bytes of meshes that R2 may hold, a number as text; 0 is no bound. */
  STORE_BYTES_MAX: string;
  ORIGINS: string;
  API_KEYS: string;
  /** Price of one GPU hour in the operator's money, a number as text; empty where GPU time is not to be priced. */
  GPU_PRICE_PER_HOUR: string;
  /** Bearer token of `/metrics`, if there is to be one. */
  METRICS_TOKEN?: string;
  /** Signs the expiring URLs of private meshes; to change it ends those that are out. */
  URL_SECRET: string;
  /** `off`, `on`, or `loopback` (as `on`, through a loopback address alone): what may be asked without a key. */
  ANONYMOUS_TIER: string;
} & RateLimiters &
  LimitVariables;

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
