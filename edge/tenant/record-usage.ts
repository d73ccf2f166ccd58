import type { TenantObjects } from './calls.ts';
import type { MiddlewareHandler } from 'hono';
import type { Authenticated } from '../access/auth.ts';
import { Batcher } from '../stats/batcher.ts';
import type { MeshOutcome } from '../stats/record-answers.ts';
import { noUsage, type UsageCounts } from './usage-counts.ts';

type UsageBatch = { atMs: number; byTenant: Map<string, UsageCounts> };

const hitColumns = { memory: 'hitsMemory', kv: 'hitsKv', r2: 'hitsR2' } as const;

/** The one batcher of this isolate. */
let isolateBatcher: Batcher<UsageBatch> | undefined;

/**
 * Counts each request of a known caller in its tenant's ledger, after the answer and with the others of about a second:
 * a hit waits for no Durable Object. To be mounted behind `requireKey`.
 */
export function recordUsage(countUsage: CountUsage): MiddlewareHandler<Authenticated> {
  return async (c, next) => {
    await next();
    countUsage(c.get('caller').tenant, c.get('meshOutcome'));
  };
}

/** Counts one request of a tenant, by what the cache did for it where it asked for a mesh. */
export type CountUsage = (tenant: string, outcome: MeshOutcome | undefined) => void;

/** Counts in the ledgers of tenants. */
export function usageCounter(tenants: TenantObjects): CountUsage {
  const batcher = (isolateBatcher ??= new Batcher<UsageBatch>({
    open: () => ({ atMs: Date.now(), byTenant: new Map() }),
    send: async ({ atMs, byTenant }, id) => {
      for (const [tenant, counts] of byTenant) await tenants.getByName(tenant).takeUsage({ counts, atMs, id });
    },
    failureEvent: 'usage_not_delivered',
  }));
  return (tenant, outcome) => {
    const { byTenant } = batcher.record();
    const counts = byTenant.get(tenant) ?? noUsage();
    byTenant.set(tenant, counts);
    count(counts, outcome);
  };
}

function count(counts: UsageCounts, outcome: MeshOutcome | undefined): void {
  counts.requests += 1;
  if (outcome === undefined || outcome.status === 'refused') return;
  if (outcome.status === 'hit') {
    counts[hitColumns[outcome.tier]] += 1;
    counts.gpuMsSaved += outcome.saved_gpu_ms;
  } else {
    counts[outcome.status === 'miss' ? 'misses' : 'joined'] += 1;
  }
}
