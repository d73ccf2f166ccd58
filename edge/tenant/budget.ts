import { Problem } from '../../contract/problem.ts';

/**
 * What a miss is charged to in addition to its tenant: an API key, or an address without one. Limits that are null are
 * those of the tenant.
 */
export type Account = { id: string; gpuMsPerDay: number | null; concurrentMissesMax: number | null };

/** Who pays for a miss. With a null account no limit holds, and the cost is still counted. */
export type Payer = { tenant: string; account: Account | null };

/** State of a day's budget in GPU milliseconds. Reserved time is not remaining. */
export type Budget = { limitMs: number; remainingMs: number; resetSeconds: number };

/** Answer to a reserve. `budget` is null where no limit holds. */
export type Reservation =
  | { is: 'reserved'; budget: Budget | null }
  | { is: 'over_budget'; budget: Budget }
  | { is: 'too_many'; missesMax: number };

/** Why a miss was not paid for. */
export type Refusal = Exclude<Reservation, { is: 'reserved' }>;

/** Retry-After for too many misses at once, in seconds: about as long as one miss takes. */
const slotRetrySeconds = 5;

const daySeconds = 24 * 3600;

/** Headers of a budget: the IETF draft's RateLimit fields, and OpenAI's names for the same. */
export function budgetHeaders({ limitMs, remainingMs, resetSeconds }: Budget): Record<string, string> {
  const remaining = Math.max(0, Math.floor(remainingMs));
  return {
    'ratelimit-policy': `"gpu-ms";q=${limitMs};w=${daySeconds}`,
    ratelimit: `"gpu-ms";r=${remaining};t=${resetSeconds}`,
    'x-ratelimit-limit-gpu-ms': String(limitMs),
    'x-ratelimit-remaining-gpu-ms': String(remaining),
    'x-ratelimit-reset-gpu-ms': `${resetSeconds}s`,
  };
}

/** The Problem for a refused miss: `insufficient_quota`, or `rate_limit_exceeded` for too many at once. */
export function limitProblem(refused: Refusal): Problem {
  if (refused.is === 'too_many') {
    const message = `At most ${refused.missesMax} meshes may be in the making at once; hits are not counted.`;
    return new Problem('rate_limit_exceeded', message, { retryAfterSeconds: slotRetrySeconds });
  }
  const { budget } = refused;
  const message = `The GPU time of this day (${budget.limitMs} ms, UTC) is spent or reserved; hits go on.`;
  return new Problem('insufficient_quota', message, {
    retryAfterSeconds: budget.resetSeconds,
    // Hours are more than an SDK waits for.
    headers: { ...budgetHeaders(budget), 'x-should-retry': 'false' },
  });
}
