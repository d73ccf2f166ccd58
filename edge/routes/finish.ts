import { traceHeaders } from '../../contract/trace.ts';
import { setOpenHeaders } from '../http/cors.ts';
import { setDefaultHeaders, setTransportSecurity } from '../http/security-headers.ts';
import type { RequestContext } from '../request-context.ts';
import { recordAnswer } from '../stats/record-answers.ts';
import type { Recorder } from '../stats/recorder.ts';
import type { CountUsage } from '../tenant/record-usage.ts';

/** Where answers are counted: by the edge, and in their tenants' ledgers. */
export type Counting = { recorder: Recorder; countUsage: CountUsage };

/** Ends each request of the edge: sets the headers that every answer has, and counts it. The answer is changed, not copied. */
export function finish(answer: Response, context: RequestContext, { recorder, countUsage }: Counting): Response {
  const { headers } = answer;
  if (!context.hasStandingHeaders) setDefaultHeaders(headers);
  if (!context.hasStandingHeaders && context.isOpen) setOpenHeaders(headers);
  setTransportSecurity(headers, context.request.url);
  headers.set(traceHeaders.requestId, context.trace.requestId);
  if (context.tenant !== null) countUsage(context.tenant, context.mesh);
  recordAnswer(answer, context, recorder);
  return answer;
}
