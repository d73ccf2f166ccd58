import { Problem } from '../../contract/problem.ts';

/**
 * What a miss is charged to beside its tenant: a key, or an address without one, with limits of its own (null for
 * those of the tenant alone).
 */
export type Account = { id: string; gpuMsPerDay: number | null; concurrentMissesMax: number | null };

/** Who pays for a miss; an account that is null is under no limit, and its costs are counted all the same. */
export type Payer = { tenant: string; account: Account | null };

/** Where a day's budget stands, in GPU milliseconds; what is reserved is not remaining. */
export type Budget = { limitMs: number; remainingMs: number; resetSeconds: number };

/** What became of a miss that asked to be paid for; `budget` is null where no limit holds. */
export type Reservation =
  | { is: 'reserved'; budget: Budget | null }
  | { is: 'over_budget'; budget: Budget }
  | { is: 'too_many'; missesMax: number };

/** Why a miss was not paid for. */
export type Refusal = Exclude<Reservation, { is: 'reserved' }>;

/** When a client should try again whose misses are too many at once: about as long as one of them takes. */
const slotRetrySeconds = 5;

const daySeconds = 24 * 3600;

/** Tells a budget, which is exact: the IETF draft's RateLimit fields, and OpenAI's names for the same. */
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

/** The Problem of a miss that was not paid for: `insufficient_quota`, or `rate_limit_exceeded` for too many at once. */
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
