import type { MiddlewareHandler } from 'hono';
import { bytesOfHex, hex, sha256 } from '../../contract/digest.ts';
import { Problem } from '../../contract/problem.ts';
import { anonymousTenant } from '../tenant/tenant-name.ts';
import type { AnonymousTier } from './anonymous-tier.ts';
import type { ApiKey } from './api-keys.ts';
import { digestKey } from './key-digest.ts';
import type { KeyStore } from './key-store.ts';
import type { StoredKey } from './calls.ts';
import { addressOf } from './address.ts';
import type { RequestContext } from '../request-context.ts';
import type { Account } from '../tenant/budget.ts';
import type { MissLimits } from '../tenant/limit-settings.ts';
import { countRequest, type RateLimiters } from './rate-limits.ts';

/** Who makes a request, by its key; without one, one of the anonymous, who share a tenant and own nothing. */
export type Caller = {
  tenant: string;
  isAdmin: boolean;
  isAnonymous: boolean;
  defaultScope: ApiKey['defaultScope'];
  /** Digest of a key of the key store, which may have ended since this isolate asked; null for other callers. */
  storedKey: string | null;
  /** What its misses are charged to; null where they are under no limit. */
  account: Account | null;
};

/** What the routes behind `requireKey` find in Hono's context. */
export type Authenticated = { Variables: { caller: Caller; context: RequestContext } };

export type AccessOptions = {
  /** The keys of the `API_KEYS` secret, with which an operator makes those of the store. */
  keys: readonly ApiKey[];
  store: KeyStore;
  anonymousTier: AnonymousTier;
  /** Limits of one address without a key. */
  addressLimits: MissLimits;
  /** Makes names of addresses that do not tell them. */
  secret: string;
  limiters: RateLimiters;
};

type Scope = ApiKey['scopes'][number];

type KeyAccess = AccessOptions & {
  keys: readonly OwnKey[];
  /**
   * Holders of keys of the secret that are under no limit, by the header that tells them: for as long as the isolate has
   * this secret, there is nothing more to be asked about their requests.
   */
  trusted: Map<string, Caller>;
};

/** Headers that are kept as those of trusted callers; one key can be written with any number of blanks. */
const trustedMax = 100;

/**
 * Tells who makes a request: the holder of a bearer key (RFC 6750 §2.1) that has the scope, or one of the anonymous where
 * their tier is open to it; throws the Problem of any other. Counts it first, so that guessing keys is limited too.
 */
export function callerFor(options: AccessOptions, scope: Scope): (request: Request) => Promise<Caller> {
  const keys = options.keys.map((key) => ({ ...key, digest: bytesOfHex(key.sha256) }));
  const access = { ...options, keys, trusted: new Map<string, Caller>() };
  return async (request) => {
    const authorization = request.headers.get('authorization');
    const trusted = authorization === null ? undefined : access.trusted.get(authorization);
    if (trusted !== undefined) return trusted;
    return scope === 'meshes' && admitsAnonymous(options.anonymousTier, request)
      ? anonymousCaller(request, options)
      : keyCaller(request, scope, access);
  };
}

/** Lets a request pass whose caller has the scope, and puts the caller into the context. */
export function requireKey(options: AccessOptions, scope: Scope): MiddlewareHandler<Authenticated> {
  const callerOf = callerFor(options, scope);
  return async (c, next) => {
    c.set('caller', await callerOf(c.req.raw));
    return next();
  };
}

/** The tenant whose own things a request is about; throws the Problem `insufficient_scope` for anonymous callers. */
export function ownTenant({ tenant, isAnonymous }: Caller): string {
  // defence: API5-3
  if (!isAnonymous) return tenant;
  throw new Problem('insufficient_scope', 'Without an API key nothing is kept as yours. Send a key for this.');
}

/**
 * The tier is for those who send no key at all, from the pages of this very site or from no browser: another site's
 * page must not spend its visitors' allowance.
 */
function admitsAnonymous(tier: AnonymousTier, { headers }: Request): boolean {
  if (headers.has('authorization')) return false;
  const site = headers.get('sec-fetch-site');
  // defence: API6-1
  if (site !== null && site !== 'same-origin' && site !== 'none') return false;
  return tier === 'on';
}

async function anonymousCaller(
  { headers }: Request,
  { limiters, addressLimits, secret }: AccessOptions,
): Promise<Caller> {
  const address = addressOf(headers);
  await countRequest(limiters, { name: 'ANONYMOUS_REQUESTS', of: address });
  const account = { id: `address_${await sha256(`${secret} ${address}`)}`, ...addressLimits };
  return {
    tenant: anonymousTenant,
    isAdmin: false,
    isAnonymous: true,
    defaultScope: 'shared',
    storedKey: null,
    account,
  };
}

async function keyCaller(
  { headers }: Request,
  scope: Scope,
  { keys, store, limiters, trusted }: KeyAccess,
): Promise<Caller> {
  const address = addressOf(headers);
  const authorization = headers.get('authorization') ?? '';
  const text = /^Bearer +([\x21-\x7e]+) *$/i.exec(authorization)?.[1];
  const digest = await digestKey(text ?? '');
  const own = findOwn(keys, digest);
  const counted = own?.unlimited !== true;
  if (counted) await countRequest(limiters, { name: 'ADDRESS_REQUESTS', of: address });
  if (text === undefined) throw refusal(text);
  const key = own ?? (await store.find(text, hex(digest), address));
  if (key === null) throw refusal(text);
  if (counted) await countRequest(limiters, { name: 'KEY_REQUESTS', of: hex(digest) });
  // defence: API2-1
  if (!key.scopes.includes(scope)) throw new Problem('insufficient_scope', `This key lacks the scope "${scope}".`);
  const storedKey = own === null ? hex(digest) : null;
  // What an operator may do cannot wait for an ended key to be forgotten.
  if (scope === 'admin' && storedKey !== null) await store.confirm(storedKey);
  const { tenant, scopes, defaultScope } = key;
  const ownAccount = counted ? { id: 'secret', gpuMsPerDay: null, concurrentMissesMax: null } : null;
  const account = 'gpuMsPerDay' in key ? accountOf(key) : ownAccount;
  const caller = { tenant, isAdmin: scopes.includes('admin'), isAnonymous: false, defaultScope, storedKey, account };
  if (own !== null && !counted && trusted.size < trustedMax) trusted.set(authorization, caller);
  return caller;
}

function accountOf({ id, gpuMsPerDay, concurrentMissesMax }: StoredKey): Account {
  return { id, gpuMsPerDay, concurrentMissesMax };
}

function refusal(text: string | undefined): Problem {
  const message = text === undefined ? 'You did not provide an API key.' : 'Incorrect API key provided.';
  return new Problem('invalid_api_key', `${message} Send it as "Authorization: Bearer <key>".`, {
    headers: { 'www-authenticate': 'Bearer' },
  });
}

type OwnKey = ApiKey & { digest: Uint8Array };

/** Compares with every key, each in constant time, so that the time taken tells nothing of which one was close. */
function findOwn(keys: readonly OwnKey[], digest: Uint8Array): OwnKey | null {
  let found: OwnKey | null = null;
  for (const key of keys) if (crypto.subtle.timingSafeEqual(digest, key.digest)) found = key;
  return found;
}
