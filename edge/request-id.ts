import type { MiddlewareHandler } from 'hono';
import { readTrace, traceHeaders, type Trace } from '../contract/trace.ts';

/** What `requestId` puts into a request's context. */
export type Traced = { Variables: { trace: Trace } };

/** Puts a request id on every answer: the client's own where it is well-formed, else a fresh one. */
export const requestId: MiddlewareHandler<Traced> = async (c, next) => {
  const { requestId: asked, traceparent } = readTrace((name) => c.req.header(name));
  const id = asked ?? `req_${crypto.randomUUID()}`;
  c.set('trace', { requestId: id, ...(traceparent !== null && { traceparent }) });
  await next();
  // Not c.header(), which copies an answer that is already there.
  c.res.headers.set(traceHeaders.requestId, id);
};
