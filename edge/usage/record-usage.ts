import type { Context, MiddlewareHandler } from 'hono';
import type { Authenticated } from '../auth.ts';
import type { Tenant } from '../objects/tenant.ts';
import { Batcher } from '../stats/batcher.ts';
import { noUsage, type UsageCounts } from './usage-counts.ts';

type UsageBatch = { atMs: number; byTenant: Map<string, UsageCounts> };

const hitColumns = { memory: 'hitsMemory', kv: 'hitsKv', r2: 'hitsR2' } as const;

/** The one batcher of this isolate. */
let isolateBatcher: Batcher<UsageBatch> | undefined;

/**
 * Counts each request of a known caller in its tenant's ledger, after the answer and with the others of about a second:
 * a hit waits for no Durable Object. To be mounted behind `requireKey`.
 */
export function recordUsage(tenants: DurableObjectNamespace<Tenant>): MiddlewareHandler<Authenticated> {
  const batcher = (isolateBatcher ??= new Batcher<UsageBatch>({
    open: () => ({ atMs: Date.now(), byTenant: new Map() }),
    send: async ({ atMs, byTenant }, id) => {
      for (const [tenant, counts] of byTenant) await tenants.getByName(tenant).takeUsage({ counts, atMs, id });
    },
    failureEvent: 'usage_not_delivered',
  }));
  return async (c, next) => {
    await next();
    const { byTenant } = batcher.record();
    const { tenant } = c.get('caller');
    const counts = byTenant.get(tenant) ?? noUsage();
    byTenant.set(tenant, counts);
    count(counts, c);
  };
}

function count(counts: UsageCounts, c: Context): void {
  counts.requests += 1;
  const outcome = c.get('meshOutcome');
  if (outcome === undefined || outcome.status === 'refused') return;
  if (outcome.status === 'hit') {
    counts[hitColumns[outcome.tier]] += 1;
    counts.gpuMsSaved += outcome.saved_gpu_ms;
  } else {
    counts[outcome.status === 'miss' ? 'misses' : 'joined'] += 1;
  }
}
