import { type StatsObjects, theStats } from '../stats/calls.ts';
import { Hono } from 'hono';
import { z } from 'zod';
import type { MeshIndex } from '../search/mesh-index.ts';
import { mostUsed } from '../search/most-used.ts';
import { parse } from '../request/json.ts';
import { dashboardData, dashboardRanges, rangeBeganMs } from '../stats/dashboard.ts';
import { DashboardRange } from '../../contract/dashboard-data.ts';

/** Meshes that the dashboard ranks. */
const topMeshes = 10;

export const DashboardQuery = z.strictObject({ range: DashboardRange.default('1h') });

export type DashboardDataOptions = {
  stats: StatsObjects;
  index: MeshIndex;
  /** Price of one GPU hour, null where GPU time is not priced. */
  gpuHourPrice: number | null;
};

/** `GET /dashboard/data?range=1h|24h|7d`; to be mounted behind `requireKey` for the scope "admin". */
export function dashboardDataRoutes({ stats, index, gpuHourPrice }: DashboardDataOptions) {
  return new Hono().get('/', async (c) => {
    const { range } = parse(DashboardQuery, c.req.query());
    const nowMs = Date.now();
    const [history, top] = await Promise.all([
      theStats(stats).history({ ...dashboardRanges[range], beganMs: rangeBeganMs(range, nowMs) }),
      mostUsed(index, topMeshes),
    ]);
    const data = dashboardData({ range, nowMs, history, mostUsed: top, gpuHourPrice });
    return c.json(data, 200, { 'cache-control': 'no-store' });
  });
}
