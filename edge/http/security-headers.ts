import type { MiddlewareHandler } from 'hono';

/** What a browser may make of an answer that is no page: nothing. */
const headers: readonly (readonly [name: string, value: string])[] = [
  ['x-content-type-options', 'nosniff'],
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
  ['referrer-policy', 'no-referrer'],
];

/** RFC 6797 §6.1; it holds for the host alone, since what else its domain serves is not ours to say. */
const transportSecurity = 'max-age=31536000';

/** Keeps browsers from sniffing, framing or running what the edge answers; pages and assets say more by themselves. */
export const securityHeaders: MiddlewareHandler = async (c, next) => {
  await next();
  // Not c.header(), which copies an answer that is already there, once a header.
  const answer = c.res.headers;
  for (const [name, value] of headers) if (!answer.has(name)) answer.set(name, value);
  if (c.req.url.startsWith('https:')) answer.set('strict-transport-security', transportSecurity);
};
