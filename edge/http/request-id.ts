import type { MiddlewareHandler } from 'hono';
import { readTrace, traceHeaders, type Trace } from '../../contract/trace.ts';
import type { MayBeBegun } from '../begun.ts';

/** What `requestId` puts into a request's context. */
export type Traced = MayBeBegun & { Variables: { trace: Trace } };

/** Puts a request id on every answer: the client's own where it is well-formed, else a fresh one. */
export const requestId: MiddlewareHandler<Traced> = async (c, next) => {
  const trace = c.env.begun?.trace ?? traceOf(c.req.raw.headers);
  c.set('trace', trace);
  await next();
  // Not c.header(), which copies an answer that is already there.
  c.res.headers.set(traceHeaders.requestId, trace.requestId);
};

/** The trace that a request is part of, with a fresh id where its client named no well-formed one. */
export function traceOf(headers: Headers): Trace {
  const { requestId: asked, traceparent } = readTrace((name) => headers.get(name) ?? undefined);
  return { requestId: asked ?? `req_${crypto.randomUUID()}`, ...(traceparent !== null && { traceparent }) };
}
