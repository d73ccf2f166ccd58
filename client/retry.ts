import { setTimeout as sleep } from 'node:timers/promises';

const attemptsMax = 5;
const firstDelayMs = 250;
const delayMsMax = 10_000;

/** Thrown inside an attempt to have it made again, after `afterMs` when the server named a time. */
export class Retryable extends Error {
  readonly afterMs: number | null;

  constructor(cause: unknown, afterMs: number | null) {
    super('the call may be made again', { cause });
    this.afterMs = afterMs;
  }
}

/** Calls `attempt` up to five times, with exponential backoff and full jitter; throws the cause of the last one. */
export async function withRetries<T>(attempt: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  for (let made = 1; ; made++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Retryable)) throw error;
      if (made === attemptsMax) throw error.cause;
      const backoffMs = Math.min(delayMsMax, firstDelayMs * 2 ** made) * Math.random();
      await sleep(error.afterMs ?? backoffMs, undefined, signal ? { signal } : {});
    }
  }
}
