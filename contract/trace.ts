import { z } from 'zod';

/**
 * By what the two programs' logs of one request are found: its id, and the trace that it is part of, if its client
 * named one (`traceparent`, W3C Trace Context §3.2). Neither program adds spans of its own, so the header is passed on
 * as it came.
 */
export const Trace = z.strictObject({
  requestId: /* defence: API8-6 */ z.string().regex(/^[A-Za-z0-9._-]{1,128}$/),
  traceparent: z
    .string()
    .regex(/^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/)
    .optional(),
});
export type Trace = z.infer<typeof Trace>;

/** Names of the headers that carry a trace. */
export const traceHeaders = { requestId: 'x-request-id', traceparent: 'traceparent' } as const;

/** The trace that a request's headers name; what is missing or not well-formed is null. */
export function readTrace(header: (name: string) => string | undefined) {
  const read = (name: keyof typeof traceHeaders) => {
    const text = header(traceHeaders[name]);
    // Most requests name neither, and a schema that refuses is slow: it was a tenth of an asset hit.
    return text === undefined ? null : (Trace.shape[name].safeParse(text).data ?? null);
  };
  return { requestId: read('requestId'), traceparent: read('traceparent') };
}
