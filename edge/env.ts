import { z } from 'zod';
import { Sha256 } from '../contract/digest.ts';
import type { LimitVariables } from './access/limit-settings.ts';
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

const secretCharactersMin = 16;
const urlSecretCharactersMin = 32;

/** The scope that stands in the key of a mesh that everyone may read; that of a private one is its tenant's name. */
export const sharedScope = 'shared';

/** The tenant of all callers without a key; no key can be its. */
export const anonymousTenant = 'anonymous';

const Origin = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'must be a short lower-case name'),
  /** Base URL without a slash at its end. */
  url: z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, '')),
  secrets: z.tuple([z.string().min(secretCharactersMin)]).rest(z.string().min(secretCharactersMin)),
});

/** A GPU origin that this edge may call and that may call it; the first secret signs, each one verifies. */
export type Origin = z.infer<typeof Origin>;

/** The name of a tenant that a key may belong to. */
export const TenantName = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, _ or -')
  .refine((tenant) => tenant !== sharedScope, `must not be "${sharedScope}"`)
  .refine((tenant) => tenant !== anonymousTenant, `must not be "${anonymousTenant}"`);

export const KeyScopes = z.array(z.enum(['meshes', 'admin'])).min(1);

const ApiKey = z.strictObject({
  sha256: Sha256,
  tenant: TenantName,
  scopes: KeyScopes,
  /** Set for the keys that `npm start` makes: they work through a loopback address alone. */
  loopbackOnly: z.boolean().default(false),
  /** Set for the operator's own keys: they are not counted against any limit. */
  unlimited: z.boolean().default(false),
  /** `cache.scope` of the requests that name none. */
  defaultScope: z.enum(['shared', 'private']).default('shared'),
});

/** A key of the `API_KEYS` secret, by its digest; the key itself is stored nowhere. */
export type ApiKey = z.infer<typeof ApiKey>;

const AnonymousTier = z.enum(['off', 'on', 'loopback']);
export type AnonymousTier = z.infer<typeof AnonymousTier>;

/** Reads the `ANONYMOUS_TIER` variable; throws an Error that names it. */
export function parseAnonymousTier(text: string): AnonymousTier {
  const parsed = AnonymousTier.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new Error(`ANONYMOUS_TIER is "${text}", not one of ${AnonymousTier.options.join(', ')}`);
}

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

/** Reads the `ORIGINS` secret; throws an Error that names the secret but holds no value of it. */
export function parseOrigins(text: string): readonly Origin[] {
  return parseSecret('ORIGINS', z.array(Origin), text);
}

/** Reads the `API_KEYS` secret; throws an Error that names the secret but holds no value of it. */
export function parseApiKeys(text: string): readonly ApiKey[] {
  return parseSecret('API_KEYS', z.array(ApiKey), text);
}

/** Reads the `URL_SECRET` secret; throws an Error that names the secret but holds no value of it. */
export function parseUrlSecret(text: string | undefined): string {
  const parsed = z.string().min(urlSecretCharactersMin).safeParse(text);
  if (parsed.success) return parsed.data;
  throw new Error(`the secret URL_SECRET must have at least ${urlSecretCharactersMin} characters`);
}

function parseSecret<T>(name: string, schema: z.ZodType<T>, text: string | undefined): T {
  if (text === undefined) throw new Error(`the secret ${name} is not set`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(`the secret ${name} is not JSON`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new Error(`the secret ${name} is not valid: ${where.join('; ')}`);
}
