import type { MiddlewareHandler } from 'hono';

const header = 'x-request-id';

/** Puts a request id on every answer: the client's own where it is well-formed, else a fresh one. */
export const requestId: MiddlewareHandler = async (c, next) => {
  const asked = c.req.header(header);
  const id = asked !== undefined && /^[A-Za-z0-9._-]{1,128}$/.test(asked) ? asked : `req_${crypto.randomUUID()}`;
  await next();
  // Not c.header(), which copies an answer that is already there.
  c.res.headers.set(header, id);
};
