import { type StatsObjects, theStats } from '../stats/calls.ts';
import { Hono, type MiddlewareHandler } from 'hono';
import { digestKey } from '../access/key-digest.ts';
import { exposition, expositionType } from '../stats/exposition.ts';
import { edgeMetrics } from '../stats/metrics.ts';

export type MetricsOptions = {
  stats: StatsObjects;
  gpuHourPrice: number | null;
  /** Bearer token that lets a scraper in, if there is to be one. */
  token: string | null;
  /** Lets in who has no such token. */
  requireAdmin: MiddlewareHandler;
};

/** `GET /metrics` in the Prometheus text format. */
export function metricsRoutes({ stats, gpuHourPrice, token, requireAdmin }: MetricsOptions) {
  return new Hono()
    .use('/', async (c, next) => {
      const open = token !== null && (await hasToken(c.req.header('authorization'), token));
      // defence: API2-12
      return open ? next() : requireAdmin(c, next);
    })
    .get('/', async (c) => {
      const metrics = edgeMetrics(await theStats(stats).now(), { nowMs: Date.now(), gpuHourPrice });
      return c.body(exposition(metrics), 200, { 'content-type': expositionType, 'cache-control': 'no-store' });
    });
}

/** Compares digests, so that the time taken tells nothing of the token. */
async function hasToken(authorization: string | undefined, token: string): Promise<boolean> {
  const [given, expected] = await Promise.all([digestKey(authorization ?? ''), digestKey(`Bearer ${token}`)]);
  return crypto.subtle.timingSafeEqual(given, expected);
}
