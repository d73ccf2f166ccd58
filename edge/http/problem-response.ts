import { getPath } from 'hono/utils/url';
import { Problem } from '../../contract/problem.ts';
import type { Trace } from '../../contract/trace.ts';

/** Statuses that OpenAI's SDKs retry, although the same request cannot succeed. */
const statusesNotToRetry: ReadonlySet<number> = new Set([409, 504]);

/** The request that failed, and headers that its answer carries beside those of the error. */
export type Failed = { request: Request; trace: Trace; headers: Record<string, string> };

/** The one place that maps errors to HTTP. An error that is no Problem is logged here and told as `internal_error`. */
export function problemResponse(error: unknown, failed: Failed): Response {
  const problem =
    error instanceof Problem
      ? error
      : /* defence: API8-7 */ new Problem('internal_error', 'The server failed.', { cause: error });
  if (problem.status === 500) logFailure(problem, failed);
  const headers = new Headers(failed.headers);
  for (const [name, value] of Object.entries(problem.headers)) headers.set(name, value);
  headers.set('cache-control', 'no-store');
  if (problem.retryAfterSeconds !== null) headers.set('retry-after', String(Math.ceil(problem.retryAfterSeconds)));
  if (statusesNotToRetry.has(problem.status)) headers.set('x-should-retry', 'false');
  return Response.json(problem.body(), { status: problem.status, headers });
}

function logFailure({ cause }: Problem, { request, trace }: Failed): void {
  const text = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  const { requestId: request_id } = trace;
  const { method } = request;
  console.error(JSON.stringify({ event: 'request_failed', request_id, method, path: getPath(request), cause: text }));
}
