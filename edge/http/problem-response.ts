import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { Problem } from '../../contract/problem.ts';
import type { Traced } from './request-id.ts';

/** Statuses that OpenAI's SDKs would retry though the same request cannot succeed by itself. */
const statusesNotToRetry: ReadonlySet<number> = new Set([409, 504]);

/** The one place that maps errors to HTTP; what is not a Problem is logged here and told as `internal_error`. */
export function answerProblem(c: Context, error: unknown): Response {
  const problem =
    error instanceof Problem
      ? error
      : /* defence: API8-7 */ new Problem('internal_error', 'The server failed.', { cause: error });
  if (problem.status === 500) logFailure(c, problem);
  for (const [name, value] of Object.entries(problem.headers)) c.header(name, value);
  c.header('cache-control', 'no-store');
  if (problem.retryAfterSeconds !== null) c.header('retry-after', String(Math.ceil(problem.retryAfterSeconds)));
  if (statusesNotToRetry.has(problem.status)) c.header('x-should-retry', 'false');
  return c.json(problem.body(), problem.status as ContentfulStatusCode);
}

function logFailure(c: Context, problem: Problem): void {
  const { cause } = problem;
  const text = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  const trace = (c as Context<Traced>).get('trace');
  const { method, path } = c.req;
  console.error(JSON.stringify({ event: 'request_failed', request_id: trace.requestId, method, path, cause: text }));
}
