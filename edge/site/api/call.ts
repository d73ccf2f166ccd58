import { readErrorBody } from '../../../contract/problem.ts';
import { readKey, type KeyName } from './key.ts';

/** What went wrong with a call, as the API said it; the code `unreachable` is the page's own, for no answer at all. */
export class ApiError extends Error {
  readonly code: string;
  /** When to try again, in seconds, where the answer said so. */
  readonly retryAfterSeconds: number | null;

  constructor(code: string, message: string, retryAfterSeconds: number | null = null) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export type CallOptions = { key: KeyName; signal: AbortSignal; method?: 'GET' | 'POST'; body?: FormData };

/** Calls this edge's API, with the key if the page has one; throws ApiError. */
export async function callApi(path: string, { key, signal, method = 'GET', body }: CallOptions): Promise<Response> {
  const known = readKey(key);
  const headers: Record<string, string> = known === null ? {} : { authorization: `Bearer ${known}` };
  const answer = await fetch(path, { method, headers, signal, body: body ?? null }).catch((error: unknown) => {
    if (signal.aborted) throw error;
    throw new ApiError('unreachable', 'The edge does not answer.');
  });
  if (answer.ok) return answer;
  const told = readErrorBody(await answer.text().catch(() => ''));
  const retryAfter = Number(answer.headers.get('retry-after') ?? Number.NaN);
  throw new ApiError(
    told?.code ?? 'unknown',
    told?.message ?? `The edge answered ${answer.status}.`,
    Number.isFinite(retryAfter) ? retryAfter : null,
  );
}
