import { readFile, readdir } from 'node:fs/promises';
import * as fc from 'fast-check';
import { Agent, request as send } from 'undici';
import { problems } from '../../contract/problem.ts';
import { sha256 } from '../../contract/digest.ts';
import { sign } from '../../contract/signature.ts';
import { localOriginId } from '../../local/settings.ts';
import type { EdgeAlone } from '../end-to-end/edge-alone.ts';
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
  /** Resident memory of workerd in bytes, sampled after each batch. */
  residentBytes: number[];
};

/** Sends so many requests, the same for the same seed, to a running edge; stops at the first batch that has a fault. */
export async function fuzz(
  edge: EdgeAlone,
  {
    seed,
    requests,
    known,
    onBatch,
  }: { seed: number; requests: number; known: Known; onBatch?: (done: number, residentBytes: number) => void },
): Promise<FuzzResult> {
  const result: FuzzResult = { requests: 0, statuses: {}, faults: [], residentBytes: [] };
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
    const resident = await residentBytes();
    result.residentBytes.push(resident);
    await edge.origin.report(); // the fuzzed ones have changed what is known of the origin
    onBatch?.(result.requests, resident);
  }
  await dispatcher.destroy();
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
      isHead: request.method === 'HEAD',
      requestId: answer.headers['x-request-id'],
    });
    if (fault !== null) result.faults.push(`${fault}\n  ${shown()}\n  ${status} ${text.slice(0, 500)}`);
  } catch (error) {
    result.faults.push(`no answer: ${String(error)}\n  ${shown()}`);
  }
}

/** What is wrong with an answer: a 500, or an error that is not one of those that the contract lists. */
function faultOf(answer: { status: number; text: string; isHead: boolean; requestId: unknown }): string | null {
  const { status, text } = answer;
  if (status === 500) return 'an internal error';
  if (typeof answer.requestId !== 'string') return 'an answer without a request id';
  if (status < 400 || answer.isHead) return null;
  try {
    const { error } = JSON.parse(text) as { error: { code: keyof typeof problems; type: string; message: string } };
    const listed = Object.hasOwn(problems, error.code) ? problems[error.code] : null;
    const right = listed?.status === status && listed.type === error.type && /\w/.test(error.message);
    return right ? null : 'an error that is not listed so';
  } catch {
    return 'an error that is no JSON';
  }
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

/** Resident memory of every workerd that this process has started, in bytes. */
async function residentBytes(): Promise<number> {
  let bytes = 0;
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''); // it may have ended
    const isOurs = /^Name:\tworkerd$/m.test(status) && new RegExp(`^PPid:\\t${process.pid}$`, 'm').test(status);
    if (isOurs) bytes += Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  }
  return bytes;
}
