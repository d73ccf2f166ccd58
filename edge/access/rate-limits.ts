import { Problem } from '../../contract/problem.ts';

/** The limiters that wrangler.toml binds. */
export type RateLimiters = {
  KEY_REQUESTS: RateLimit;
  ADDRESS_REQUESTS: RateLimit;
  ANONYMOUS_REQUESTS: RateLimit;
  KEY_LOOKUPS: RateLimit;
};

/**
 * Requests that one key or address may make in a window, in each Cloudflare location, which counts for itself. The
 * same figures stand in wrangler.toml, whose bindings do not tell theirs.
 */
export const rateLimits = {
  KEY_REQUESTS: { requests: 300, windowSeconds: 10, policy: 'key' },
  ADDRESS_REQUESTS: { requests: 600, windowSeconds: 10, policy: 'address' },
  ANONYMOUS_REQUESTS: { requests: 60, windowSeconds: 10, policy: 'anonymous' },
  /** By address: requests with a key that this isolate does not know and asks the key store about. */
  KEY_LOOKUPS: { requests: 100, windowSeconds: 60, policy: 'key-lookups' },
} as const satisfies Record<keyof RateLimiters, { requests: number; windowSeconds: 10 | 60; policy: string }>;

/**
 * Counts a request; throws the Problem `rate_limit_exceeded` when it is one too many. How much of a window is left is
 * not known, so Retry-After is its whole length, and no remainder is told.
 */
export async function countRequest(
  limiters: RateLimiters,
  { name, of }: { name: keyof RateLimiters; of: string },
): Promise<void> {
  const { success } = await limiters[name].limit({ key: of });
  // defence: API4-6
  if (success) return;
  const { requests, windowSeconds, policy } = rateLimits[name];
  throw new Problem('rate_limit_exceeded', `At most ${requests} requests may be made in ${windowSeconds} seconds.`, {
    retryAfterSeconds: windowSeconds,
    headers: { 'ratelimit-policy': `"${policy}";q=${requests};w=${windowSeconds}` },
  });
}
