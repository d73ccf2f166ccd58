import type { MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';

const preflightSeconds = 24 * 3600;

/** Headers of our answers that a page's script may read. */
const exposedHeaders =
  'Accept-Ranges, Cache-Status, Content-Disposition, Content-Length, Content-Location, Content-Range, ETag, Location, ' +
  'Preference-Applied, RateLimit, RateLimit-Policy, Repr-Digest, Retry-After, ' +
  'X-RateLimit-Limit-GPU-Ms, X-RateLimit-Remaining-GPU-Ms, X-RateLimit-Reset-GPU-Ms, X-Request-Id, X-Should-Retry';

const preflight = cors({ origin: '*', allowMethods: ['GET', 'HEAD', 'POST', 'DELETE'], maxAge: preflightSeconds });

/**
 * Lets the scripts of any page read the answers. Headers that come after the answer are set on it as it is; Hono's own
 * middleware sets them before, and then copies every answer to merge the two.
 */
export const openToBrowsers: MiddlewareHandler = async (c, next) => {
  if (c.req.method === 'OPTIONS') return preflight(c, next);
  await next();
  c.res.headers.set('access-control-allow-origin', '*');
  c.res.headers.set('access-control-expose-headers', exposedHeaders);
};
