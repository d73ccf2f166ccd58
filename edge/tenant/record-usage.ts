import { Batcher } from '../stats/batcher.ts';
import type { MeshOutcome } from '../http/cache-status.ts';
import type { TenantObjects } from './calls.ts';
import { noUsage, type UsageCounts } from './usage-counts.ts';

type UsageBatch = { atMs: number; byTenant: Map<string, UsageCounts> };

const hitColumns = { memory: 'hitsMemory', kv: 'hitsKv', r2: 'hitsR2' } as const;

/** The one batcher of this isolate. */
let isolateBatcher: Batcher<UsageBatch> | undefined;

/** Counts one request of a tenant; `outcome` is null where it asked for no mesh. */
export type CountUsage = (tenant: string, outcome: MeshOutcome | null) => void;

/** Counts in the ledgers of tenants, about a second after the answers: a hit waits for no Durable Object. */
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

function count(counts: UsageCounts, outcome: MeshOutcome | null): void {
  counts.requests += 1;
  if (outcome === null || outcome.status === 'refused') return;
  if (outcome.status === 'hit') {
    counts[hitColumns[outcome.tier]] += 1;
    counts.gpuMsSaved += outcome.saved_gpu_ms;
  } else {
    counts[outcome.status === 'miss' ? 'misses' : 'joined'] += 1;
  }
}
