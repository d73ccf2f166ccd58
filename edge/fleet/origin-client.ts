import { sha256 } from '../../contract/digest.ts';
import { isInputFailure, JobFailure, type Job } from '../../contract/job.ts';
import { readErrorBody } from '../../contract/problem.ts';
import { retryAfterMs } from '../../contract/retry-after.ts';
import { sign } from '../../contract/signature.ts';
import type { Origin } from './origins.ts';

/** How an origin answered a job. */
export type Dispatch =
  | { outcome: 'accepted' }
  /** It has no room now; null when it did not say for how long. */
  | { outcome: 'busy'; retryAfterSeconds: number | null }
  /** The picture or prompt itself is at fault, so every origin would say the same. */
  | { outcome: 'refused'; failure: JobFailure }
  | { outcome: 'unreachable'; cause: unknown };

/** An origin must have taken a job, picture included, within this time. */
export const dispatchMsMax = 30_000;

const cancelMsMax = 10_000;
const answerCharactersMax = 64 * 1024;

/** Sends a job with its picture, `job.imageBytes` long, to an origin: a signed `POST /jobs`. Never throws. */
export async function sendJob(
  origin: Origin,
  job: Job,
  image: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer>,
): Promise<Dispatch> {
  const call = { job: JSON.stringify(job), bodySha256: job.imageSha256, bodyBytes: job.imageBytes };
  const send = async (body: typeof image) => dispatchOf(await post(origin, '/jobs', call, dispatchMsMax, body));
  try {
    return await (image instanceof Uint8Array ? send(image) : sendStream(image, job.imageBytes, send));
  } catch (cause) {
    return { outcome: 'unreachable', cause };
  }
}

async function sendStream(
  image: ReadableStream<Uint8Array>,
  bytes: number,
  send: (body: ReadableStream<Uint8Array>) => Promise<Dispatch>,
): Promise<Dispatch> {
  // A stream of fixed length goes out with Content-Length, and fails when it is cut short.
  const { readable, writable } = new FixedLengthStream(bytes);
  const answered = new AbortController();
  // An origin may refuse a job without reading its picture; the answer is what counts then, not the broken pipe.
  const piped = image.pipeTo(writable, { signal: answered.signal }).catch(() => undefined);
  try {
    return await send(readable);
  } finally {
    answered.abort();
    await piped;
  }
}

/**
 * Tells an origin, one of these by its id, that nobody waits any more for a job as it was given with this fence or an
 * earlier one. It hears of it anyway, by the 410 that its next progress report gets, so a failure is only logged.
 */
export async function cancelJob(
  origins: readonly Origin[],
  { originId, key, fence }: { originId: string; key: string; fence: number },
): Promise<void> {
  const origin = origins.find(({ id }) => id === originId);
  if (origin === undefined) return;
  try {
    const call = { job: '', bodySha256: await sha256(''), bodyBytes: 0 };
    const answer = await post(origin, `/jobs/${key}/cancel?fence=${fence}`, call, cancelMsMax, null);
    await answer.body?.cancel();
    if (!answer.ok && answer.status !== 404) throw new Error(`the origin answered ${answer.status}`);
  } catch (error) {
    console.warn(JSON.stringify({ event: 'origin_cancel_failed', originId, key, error: String(error) }));
  }
}

async function post(
  origin: Origin,
  path: string,
  call: { job: string; bodySha256: string; bodyBytes: number },
  msMax: number,
  body: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | null,
): Promise<Response> {
  const url = new URL(origin.url + path);
  const headers = await sign(
    { method: 'POST', path: url.pathname + url.search, ...call },
    { originId: origin.id, secret: origin.secrets[0] },
  );
  return fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(msMax), redirect: 'manual' });
}

async function dispatchOf(answer: Response): Promise<Dispatch> {
  if (answer.ok) {
    await answer.body?.cancel();
    return { outcome: 'accepted' };
  }
  const text = (await answer.text()).slice(0, answerCharactersMax);
  if (answer.status === 429 || answer.status === 503) {
    const askedMs = retryAfterMs(answer.headers.get('retry-after'));
    return { outcome: 'busy', retryAfterSeconds: askedMs === null ? null : askedMs / 1000 };
  }
  const failure = failureOf(text);
  if (failure !== null && isInputFailure(failure)) return { outcome: 'refused', failure };
  return { outcome: 'unreachable', cause: new Error(`status ${answer.status}: ${text.slice(0, 200)}`) };
}

/** Null for what is not an answer of our origins: most likely the page of a proxy. */
function failureOf(text: string): JobFailure | null {
  const error = readErrorBody(text);
  return error && (JobFailure.safeParse({ code: error.code, message: error.message }).data ?? null);
}
