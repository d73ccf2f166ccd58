import { Hono } from 'hono';
import { z } from 'zod';
import { anonymousTenant, TenantName } from '../tenant/tenant-name.ts';
import type { Tenants } from '../tenant/tenants.ts';
import { parse, readJson } from '../request/json.ts';
import type { TenantLimits } from '../../contract/answers.ts';

const Limit = z.number().int().min(0).nullable();

/** What a tenant may spend; null for what every tenant may. */
export const TenantLimitsBody = z.strictObject({ gpu_ms_per_day: Limit, concurrent_misses: Limit });

/** A tenant that can have limits: that of a key, or that of all callers without one. */
export const LimitedTenant = z.union([TenantName, z.literal(anonymousTenant)]);

/** `/admin/tenants`: what tenants may spend; to be mounted behind `requireKey` for the scope "admin". */
export function tenantRoutes(tenants: Tenants) {
  const answer = async (tenant: string): Promise<TenantLimits> => {
    const { gpuMsPerDay, concurrentMissesMax } = await tenants.limits(tenant);
    return { object: 'tenant.limits', tenant, gpu_ms_per_day: gpuMsPerDay, concurrent_misses: concurrentMissesMax };
  };
  return new Hono()
    .get('/:tenant/limits', async (c) => c.json(await answer(parse(LimitedTenant, c.req.param('tenant')))))
    .put('/:tenant/limits', async (c) => {
      const tenant = parse(LimitedTenant, c.req.param('tenant'));
      const body = await readJson(c.req.raw, TenantLimitsBody);
      await tenants.setLimits(tenant, {
        gpuMsPerDay: body.gpu_ms_per_day,
        concurrentMissesMax: body.concurrent_misses,
      });
      return c.json(await answer(tenant));
    });
}
