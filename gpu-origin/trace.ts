import { AsyncLocalStorage } from 'node:async_hooks';
import { traceHeaders, type Trace } from '../contract/trace.ts';

const current = new AsyncLocalStorage<Trace>();

/** Does work on behalf of a request: what it logs names the request, and so do its calls to the edge. */
export function withTrace<Result>(trace: Trace | undefined, work: () => Result): Result {
  return trace === undefined ? work() : current.run(trace, work);
}

/** What a line of the log says of the request that it belongs to. */
export function traceFields(): { request_id?: string; trace_id?: string } {
  const trace = current.getStore();
  if (trace === undefined) return {};
  // W3C Trace Context §3.2.2: version, trace id, parent id, flags.
  const traceId = trace.traceparent?.split('-')[1];
  return { request_id: trace.requestId, ...(traceId !== undefined && { trace_id: traceId }) };
}

/** The headers that name the request in a call to the edge. */
export function currentTraceHeaders(): Record<string, string> {
  const trace = current.getStore();
  if (trace === undefined) return {};
  const { requestId, traceparent } = trace;
  return {
    [traceHeaders.requestId]: requestId,
    ...(traceparent !== undefined && { [traceHeaders.traceparent]: traceparent }),
  };
}
