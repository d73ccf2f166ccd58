import type { MiddlewareHandler } from 'hono';

/** What a browser may make of an answer that is no page: nothing. */
export const defaultHeaders = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
} as const;

const defaultEntries = Object.entries(defaultHeaders);

/** The header of every answer over TLS (RFC 6797 §6.1), for the host alone: what else its domain serves is not ours to say. */
export const transportSecurity = ['strict-transport-security', 'max-age=31536000'] as const;

/** Keeps browsers from sniffing, framing or running what the edge answers; pages and assets say more by themselves. */
export const securityHeaders: MiddlewareHandler = async (c, next) => {
  await next();
  // Not c.header(), which copies an answer that is already there, once a header.
  const answer = c.res.headers;
  // defence: API8-1
  for (const [name, value] of defaultEntries) if (!answer.has(name)) answer.set(name, value);
  if (c.req.url.startsWith('https:')) answer.set(...transportSecurity);
};
