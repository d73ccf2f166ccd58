import { setTimeout as sleep } from 'node:timers/promises';

const attemptsMax = 5;
const firstDelayMs = 250;
const delayMsMax = 10_000;

/** A server that names a longer time than this is not waited for: its error is the caller's to see. */
const retryAfterMsMax = 60_000;

/** Retries that a client may make at once, and what each call that needs none adds for later. */
const budgetRetriesMax = 10;
const budgetRetriesPerCall = 0.1;

/** Thrown inside an attempt to have it made again, after `afterMs` when the server named a time. */
export class Retryable extends Error {
  readonly afterMs: number | null;

  constructor(cause: unknown, afterMs: number | null) {
    super('the call may be made again', { cause });
    this.afterMs = afterMs;
  }
}

/**
 * What all calls of a client may spend on retries together. When a server is down, a client that retried each call by
 * itself would send it five times its load; out of this budget it is a tenth more.
 */
export class RetryBudget {
  #retries = budgetRetriesMax;

  /** A call is made. */
  earn(): void {
    this.#retries = Math.min(budgetRetriesMax, this.#retries + budgetRetriesPerCall);
  }

  /** Takes one retry out; false when there is none left. */
  spend(): boolean {
    if (this.#retries < 1) return false;
    this.#retries -= 1;
    return true;
  }
}

/**
 * Calls `attempt` up to five times, with exponential backoff and full jitter, as far as the budget reaches; throws the
 * cause of the last one.
 */
export async function withRetries<T>(
  attempt: () => Promise<T>,
  { budget, signal }: { budget: RetryBudget; signal: AbortSignal | undefined },
): Promise<T> {
  budget.earn();
  for (let made = 1; ; made++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Retryable)) throw error;
      const afterMs = error.afterMs ?? backoffMs(made);
      if (made === attemptsMax || afterMs > retryAfterMsMax || !budget.spend()) throw error.cause;
      await sleep(afterMs, undefined, signal ? { signal } : {});
    }
  }
}

/** A random time before another try, up to a bound that doubles with each of the `made` before it. */
export function backoffMs(made: number): number {
  return Math.min(delayMsMax, firstDelayMs * 2 ** made) * Math.random();
}
