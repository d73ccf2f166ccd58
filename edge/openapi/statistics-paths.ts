import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { DashboardQuery } from '../routes/dashboard-data.ts';
import { DashboardData } from '../../contract/dashboard-data.ts';
import { operation } from './operation.ts';

/** What the service counts of itself. */
export const statisticsPaths: ZodOpenApiPathsObject = {
  '/metrics': {
    get: operation({
      id: 'getMetrics',
      tag: 'Operator',
      summary: 'Counters for Prometheus',
      description: 'Also with the bearer token `METRICS_TOKEN`.',
      access: 'admin',
      answers: {
        200: {
          description: 'The text format 0.0.4.',
          headers: ['cache-control'],
          content: { 'text/plain': { schema: z.string() } },
        },
      },
      samples: [{ method: 'GET', path: '/metrics', key: 'admin' }],
    }),
  },
  '/dashboard/data': {
    get: operation({
      id: 'getDashboardData',
      tag: 'Operator',
      summary: 'What the dashboard shows',
      access: 'admin',
      params: { query: DashboardQuery },
      answers: {
        200: {
          description: 'Counts over time, origins, the meshes that are asked for most, failures.',
          headers: ['cache-control'],
          content: { 'application/json': { schema: DashboardData } },
        },
      },
      problems: ['unknown_parameter', 'invalid_parameter'],
      samples: [{ method: 'GET', path: '/dashboard/data?range=24h', key: 'admin' }],
    }),
  },
};
