import { fetch, type FormData, type Response } from 'undici';
import { readErrorBody } from '../contract/problem.ts';
import { retryAfterMs } from '../contract/retry-after.ts';
import { baseUrl } from './base-url.ts';
import { MeshkilnError, causeOf } from './meshkiln-error.ts';
import { Retryable, RetryBudget, withRetries } from './retry.ts';

/** One call; the body is made anew for each attempt. */
export type Call = {
  body?: () => FormData | string;
  headers?: Record<string, string>;
  signal: AbortSignal | undefined;
};

const statusesWorthRetrying = new Set([408, 429, 500, 502, 503]);

/** Calls to one edge with one key, whose retries come out of one budget. */
export class EdgeCalls {
  readonly #url: string;
  readonly #apiKey: string;
  readonly #budget = new RetryBudget();

  constructor({ url, apiKey }: { url: string; apiKey: string }) {
    this.#url = baseUrl(url);
    this.#apiKey = apiKey;
  }

  /** The JSON answer of a path; throws MeshkilnError for an error answer. */
  json(method: 'GET' | 'POST', path: string, call: Call): Promise<unknown> {
    return this.retried(async () => (await this.send(method, this.#url + path, call)).json(), call.signal);
  }

  /** The answer of a path as it begins, its body still to be read. */
  open(path: string, call: Call): Promise<Response> {
    return this.retried(() => this.send('GET', this.#url + path, call), call.signal);
  }

  /** Makes attempts until one does not throw Retryable. */
  retried<T>(attempt: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    return withRetries(attempt, { budget: this.#budget, signal });
  }

  /** One attempt: throws Retryable where another may help, MeshkilnError where it cannot. */
  async send(method: 'GET' | 'POST', url: string, call: Call): Promise<Response> {
    const answer = await fetch(url, {
      method,
      headers: { authorization: `Bearer ${this.#apiKey}`, ...call.headers },
      signal: call.signal ?? null,
      ...(call.body && { body: call.body() }),
    }).catch((error: unknown) => {
      if (call.signal?.aborted) throw error;
      throw new Retryable(new Error(`cannot reach ${this.#url}: ${causeOf(error)}`, { cause: error }), null);
    });
    if (answer.ok) return answer;
    const told = readErrorBody(await answer.text().catch(() => ''));
    const error = new MeshkilnError(
      answer.status,
      told ?? { code: 'unknown', message: `The server answered ${answer.status}.` },
    );
    if (statusesWorthRetrying.has(answer.status))
      throw new Retryable(error, retryAfterMs(answer.headers.get('retry-after')));
    throw error;
  }
}
