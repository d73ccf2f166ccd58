import * as fc from 'fast-check';
import { Agent, request as send } from 'undici';
import { problems } from '../../contract/problem.ts';
import { sha256 } from '../../contract/digest.ts';
import { sign } from '../../contract/signature.ts';
import { localOriginId } from '../../local/settings.ts';
import type { EdgeAlone } from '../end-to-end/edge-alone.ts';
import { openHeap } from '../heap.ts';
import { fuzzRequests, type FuzzRequest, type Known } from './requests.ts';

const concurrent = 12;
const batchRequests = 250;

/** A request without an answer for this long hangs. */
const answerMsMax = 20_000;

export type FuzzResult = {
  requests: number;
  /** How many answers had each status. */
  statuses: Record<string, number>;
  /** What was wrong, with the request that shows it. */
  faults: string[];
  /** Heap of the Worker and its objects in bytes, garbage left out, sampled after each batch. */
  heapBytes: number[];
};

/** Sends so many requests, the same for the same seed, to a running edge; stops at the first batch that has a fault. */
export async function fuzz(
  edge: EdgeAlone,
  {
    seed,
    requests,
    known,
    onBatch,
  }: { seed: number; requests: number; known: Known; onBatch?: (done: number, heapBytes: number) => void },
): Promise<FuzzResult> {
  const result: FuzzResult = { requests: 0, statuses: {}, faults: [], heapBytes: [] };
  const heap = await openHeap(await edge.inspectorUrl());
  const dispatcher = new Agent({ connections: concurrent });
  const arbitrary = fuzzRequests(known);
  while (result.requests < requests && result.faults.length === 0) {
    const numRuns = Math.min(batchRequests, requests - result.requests);
    const batch = fc.sample(arbitrary, { seed: seed + result.requests, numRuns }).values();
    await Promise.all(
      Array.from({ length: concurrent }, async () => {
        for (const request of batch) await tryOne(request, { edge, dispatcher, result });
      }),
    );
    result.requests += numRuns;
    const heapBytes = await heap.usedBytes();
    result.heapBytes.push(heapBytes);
    await edge.origin.report(); // the fuzzed ones have changed what is known of the origin
    onBatch?.(result.requests, heapBytes);
  }
  await dispatcher.destroy();
  heap.close();
  return result;
}

async function tryOne(
  request: FuzzRequest,
  { edge, dispatcher, result }: { edge: EdgeAlone; dispatcher: Agent; result: FuzzResult },
): Promise<void> {
  const shown = () =>
    `${request.method} ${request.path} ${JSON.stringify(request.headers)} as ${request.key}: ${bodyText(request)}`;
  try {
    const answer = await send(edge.url + request.path, {
      dispatcher,
      method: request.method as 'GET',
      headers: { ...request.headers, ...(await credentials(request, edge)) },
      body: request.body,
      signal: AbortSignal.timeout(answerMsMax),
      headersTimeout: answerMsMax,
    });
    const text = await answer.body.text();
    const { statusCode: status } = answer;
    result.statuses[status] = (result.statuses[status] ?? 0) + 1;
    const fault = faultOf({
      status,
      text,
      hasNoError: request.method === 'HEAD' || isPage(request.path),
      requestId: answer.headers['x-request-id'],
    });
    if (fault !== null) result.faults.push(`${fault}\n  ${shown()}\n  ${status} ${text.slice(0, 500)}`);
  } catch (error) {
    result.faults.push(`no answer: ${String(error)}\n  ${shown()}`);
  }
}

/** What is wrong with an answer: a 500, or an error that is not one of those that the contract lists. */
function faultOf(answer: { status: number; text: string; hasNoError: boolean; requestId: unknown }): string | null {
  const { status, text } = answer;
  if (status === 500) return 'an internal error';
  if (typeof answer.requestId !== 'string') return 'an answer without a request id';
  if (status < 400 || answer.hasNoError) return null;
  try {
    const { error } = JSON.parse(text) as { error: { code: keyof typeof problems; type: string; message: string } };
    const listed = Object.hasOwn(problems, error.code) ? problems[error.code] : null;
    const right = listed?.status === status && listed.type === error.type && /\w/.test(error.message);
    return right ? null : 'an error that is not listed so';
  } catch {
    return 'an error that is no JSON';
  }
}

/** What is not there is told people by a page. */
function isPage(path: string): boolean {
  return path.startsWith('/m/');
}

async function credentials({ method, path, body, key }: FuzzRequest, edge: EdgeAlone): Promise<Record<string, string>> {
  const { apiKey, adminKey, originSecret } = edge.settings;
  if (key === 'none') return {};
  if (key !== 'signed') {
    return { authorization: `Bearer ${{ user: apiKey, admin: adminKey, wrong: 'mk_wrong' }[key]}` };
  }
  const url = new URL(edge.url + path);
  const bytes = body ?? new Uint8Array();
  const call = {
    method,
    path: url.pathname + url.search,
    bodySha256: await sha256(bytes),
    bodyBytes: bytes.length,
    job: '',
  };
  return sign(call, { originId: localOriginId, secret: originSecret });
}

function bodyText({ body }: FuzzRequest): string {
  if (body === null) return 'no body';
  return body.length > 2000 ? `${body.length} bytes` : `base64 ${Buffer.from(body).toString('base64')}`;
}

/** Growth of the heap from the second quarter of a run, when all is loaded, to its last that still counts as flat. */
export const growthMax = 1.2;

/** Median heap in the second quarter of a run and in its last, in bytes. */
export function heapOf(samples: readonly number[]): { early: number; late: number } {
  const quarter = Math.max(1, Math.floor(samples.length / 4));
  return { early: median(samples.slice(quarter, 2 * quarter)), late: median(samples.slice(-quarter)) };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
