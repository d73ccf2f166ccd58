import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { UsageAnswer } from '../../contract/answers.ts';
import { UsageQuery } from '../routes/usage.ts';
import { operation } from './operation.ts';

/** `/v1/usage`: a tenant's own ledger. */
export const usagePath: ZodOpenApiPathsObject = {
  '/v1/usage': {
    get: operation({
      id: 'getUsage',
      tag: 'Service',
      summary: 'Look at what you used, by day',
      description: 'The last 30 days unless told otherwise, at most 366; days are of UTC, and kept for 400.',
      access: 'meshes',
      params: { query: UsageQuery },
      answers: {
        200: {
          description: 'Your ledger.',
          headers: ['cache-control'],
          content: { 'application/json': { schema: UsageAnswer } },
        },
      },
      problems: ['unknown_parameter', 'invalid_parameter'],
      samples: [{ method: 'GET', path: '/v1/usage?start_date=2026-11-01', key: 'user' }],
    }),
  },
};
