import type { MiddlewareHandler } from 'hono';
import { Problem } from '../contract/problem.ts';
import { anonymousTenant, type AnonymousTier, type ApiKey } from './env.ts';
import { addressOf } from './limits/address.ts';
import { countRequest, type RateLimiters } from './limits/rate-limits.ts';

/** Who makes a request, by its key; without one, one of the anonymous, who share a tenant and own nothing. */
export type Caller = {
  tenant: string;
  isAdmin: boolean;
  isAnonymous: boolean;
  defaultScope: ApiKey['defaultScope'];
};

/** What the routes behind `requireKey` find in their context. */
export type Authenticated = { Variables: { caller: Caller } };

export type AccessOptions = {
  /** The keys of the `API_KEYS` secret. */
  keys: readonly ApiKey[];
  anonymousTier: AnonymousTier;
  limiters: RateLimiters;
};

const loopbackHosts: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * Lets a request pass with a bearer key (RFC 6750 §2.1) that has the scope, or none where the anonymous tier is open to
 * it, and puts its caller into the context. Counts it first, so that guessing keys is limited too.
 */
export function requireKey(options: AccessOptions, scope: ApiKey['scopes'][number]): MiddlewareHandler<Authenticated> {
  const { limiters, anonymousTier } = options;
  const known = options.keys.map((key) => ({ ...key, digest: bytesOf(key.sha256) }));
  return async (c, next) => {
    const address = addressOf(c.req.raw.headers);
    const authorization = c.req.header('authorization');
    if (authorization === undefined && scope === 'meshes' && admitsAnonymous(anonymousTier, c.req.raw)) {
      await countRequest(limiters, { name: 'ANONYMOUS_REQUESTS', of: address });
      c.set('caller', { tenant: anonymousTenant, isAdmin: false, isAnonymous: true, defaultScope: 'shared' });
      return next();
    }
    const token = /^Bearer +([\x21-\x7e]+) *$/i.exec(authorization ?? '')?.[1];
    const key = token === undefined ? null : await find(known, token);
    if (key?.unlimited !== true) await countRequest(limiters, { name: 'ADDRESS_REQUESTS', of: address });
    if (key === null || (key.loopbackOnly && !isLoopback(c.req.url))) throw refusal(token);
    if (!key.unlimited) await countRequest(limiters, { name: 'KEY_REQUESTS', of: key.sha256 });
    if (!key.scopes.includes(scope)) throw new Problem('insufficient_scope', `This key lacks the scope "${scope}".`);
    const { tenant, scopes, defaultScope } = key;
    c.set('caller', { tenant, isAdmin: scopes.includes('admin'), isAnonymous: false, defaultScope });
    return next();
  };
}

/** The tenant whose own things a request is about; throws the Problem `insufficient_scope` for anonymous callers. */
export function ownTenant({ tenant, isAnonymous }: Caller): string {
  if (!isAnonymous) return tenant;
  throw new Problem('insufficient_scope', 'Without an API key nothing is kept as yours. Send a key for this.');
}

/** The tier is for the pages of this very site: another site's page must not spend its visitors' allowance. */
function admitsAnonymous(tier: AnonymousTier, { url, headers }: Request): boolean {
  const site = headers.get('sec-fetch-site'); // absent from what is no browser
  if (site !== null && site !== 'same-origin' && site !== 'none') return false;
  return tier === 'on' || (tier === 'loopback' && isLoopback(url));
}

function refusal(token: string | undefined): Problem {
  const message = token === undefined ? 'You did not provide an API key.' : 'Incorrect API key provided.';
  return new Problem('invalid_api_key', `${message} Send it as "Authorization: Bearer <key>".`, {
    headers: { 'www-authenticate': 'Bearer' },
  });
}

/** Compares with every key, each in constant time, so that the time taken tells nothing of which one was close. */
async function find<K extends { digest: Uint8Array }>(keys: readonly K[], token: string): Promise<K | null> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token)));
  let found: K | null = null;
  for (const key of keys) if (crypto.subtle.timingSafeEqual(digest, key.digest)) found = key;
  return found;
}

/** Whether a URL is one of this very machine, which only a local edge is ever asked by. */
export function isLoopback(url: string): boolean {
  return loopbackHosts.has(new URL(url).hostname);
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}
