import type { MiddlewareHandler } from 'hono';
import { Problem } from '../contract/problem.ts';
import type { ApiKey } from './env.ts';

/** Who makes a request, by its key. */
export type Caller = { tenant: string; isAdmin: boolean; defaultScope: ApiKey['defaultScope'] };

/** What the routes behind `requireKey` find in their context. */
export type Authenticated = { Variables: { caller: Caller } };

const loopbackHosts: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Lets a request pass with a bearer key (RFC 6750 §2.1) that has the scope, and puts its caller into the context. */
export function requireKey(keys: readonly ApiKey[], scope: ApiKey['scopes'][number]): MiddlewareHandler<Authenticated> {
  const known = keys.map((key) => ({ ...key, digest: bytesOf(key.sha256) }));
  return async (c, next) => {
    const token = /^Bearer +([\x21-\x7e]+) *$/i.exec(c.req.header('authorization') ?? '')?.[1];
    const key = token === undefined ? null : await find(known, token);
    if (key === null || (key.loopbackOnly && !isLoopback(c.req.url))) {
      c.header('www-authenticate', 'Bearer');
      const message = token === undefined ? 'You did not provide an API key.' : 'Incorrect API key provided.';
      throw new Problem('invalid_api_key', `${message} Send it as "Authorization: Bearer <key>".`);
    }
    if (!key.scopes.includes(scope)) throw new Problem('insufficient_scope', `This key lacks the scope "${scope}".`);
    const { tenant, scopes, defaultScope } = key;
    c.set('caller', { tenant, isAdmin: scopes.includes('admin'), defaultScope });
    await next();
  };
}

/** Compares with every key, each in constant time, so that the time taken tells nothing of which one was close. */
async function find<K extends { digest: Uint8Array }>(keys: readonly K[], token: string): Promise<K | null> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token)));
  let found: K | null = null;
  for (const key of keys) if (crypto.subtle.timingSafeEqual(digest, key.digest)) found = key;
  return found;
}

function isLoopback(url: string): boolean {
  return loopbackHosts.has(new URL(url).hostname);
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}
