import { Hono } from 'hono';
import { Problem } from '../../contract/problem.ts';
import { reportIntervalSeconds } from '../../contract/report.ts';
import type { FleetView } from '../fleet/fleet-view.ts';
import type { Health, Readiness } from '../../contract/answers.ts';

/** `/healthz` says that this program runs, `/readyz` that a miss would find an origin; hits are served without one. */
export function healthRoutes(fleet: FleetView) {
  return new Hono()
    .get('/healthz', (c) => c.json({ status: 'ok' } satisfies Health))
    .get('/readyz', async (c) => {
      const ready = (await fleet.origins()).filter((origin) => origin.state === 'ready');
      if (ready.length > 0) return c.json({ status: 'ready', origins: ready.length } satisfies Readiness);
      const retryAfterSeconds = reportIntervalSeconds;
      throw new Problem('no_origin', 'No origin is ready; only what is cached can be served.', { retryAfterSeconds });
    });
}
