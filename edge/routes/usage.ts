import { Hono } from 'hono';
import { z } from 'zod';
import { Problem } from '../../contract/problem.ts';
import { ownTenant, type Authenticated } from '../access/auth.ts';
import type { Tenants } from '../tenant/tenants.ts';
import { parse } from '../request/json.ts';
import type { UsageDay } from '../tenant/usage-counts.ts';
import { dayMs, dayOf } from '../tenant/utc-day.ts';
import type { UsageAnswer } from '../../contract/answers.ts';

/** Days of one answer: unless asked otherwise, and at most. */
const rangeDays = 30;
const rangeDaysMax = 366;

/** Which days, both ends included. */
export const UsageQuery = z.strictObject({ start_date: z.iso.date().optional(), end_date: z.iso.date().optional() });

/** `GET /v1/usage`: the tenant's ledger by UTC day; to be mounted behind `requireKey`. */
export function usageRoutes(tenants: Tenants) {
  return new Hono<Authenticated>().get('/', async (c) => {
    const tenant = /* defence: API1-7 */ ownTenant(c.get('caller'));
    const query = parse(UsageQuery, c.req.query());
    const to = query.end_date ?? dayOf(Date.now());
    const from = query.start_date ?? dayOf(Date.parse(to) - (rangeDays - 1) * dayMs);
    const days = (Date.parse(to) - Date.parse(from)) / dayMs + 1;
    if (days < 1 || days > rangeDaysMax) {
      const message = `start_date must not be after end_date (today unless given), nor ${rangeDaysMax} days before it.`;
      throw new Problem('invalid_parameter', message, { param: 'start_date' });
    }
    const data = (await tenants.usage(tenant, { from, to })).map(dayObject);
    const answer: UsageAnswer = { object: 'usage', start_date: from, end_date: to, data };
    return c.json(answer, 200, { 'cache-control': 'no-store' });
  });
}

function dayObject(day: UsageDay): UsageAnswer['data'][number] {
  return {
    object: 'usage.day',
    date: day.date,
    requests: day.requests,
    hits: { memory: day.hitsMemory, kv: day.hitsKv, r2: day.hitsR2 },
    misses: day.misses,
    joined: day.joined,
    gpu_ms_spent: day.gpuMsSpent,
    gpu_ms_saved: day.gpuMsSaved,
  };
}
