import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { TenantLimits } from '../../contract/answers.ts';
import { LimitedTenant, TenantLimitsBody } from '../routes/tenants.ts';
import { operation } from './operation.ts';

const path = z.object({ tenant: LimitedTenant });
const answers = {
  200: { description: 'The limits that hold.', content: { 'application/json': { schema: TenantLimits } } },
};
const exampleLimits = { gpu_ms_per_day: 600_000, concurrent_misses: null };

/** `/admin/tenants`: what tenants may spend. */
export const tenantPaths: ZodOpenApiPathsObject = {
  '/admin/tenants/{tenant}/limits': {
    get: operation({
      id: 'getTenantLimits',
      tag: 'Operator',
      summary: 'Look at what a tenant may spend',
      access: 'admin',
      params: { path },
      answers,
      problems: ['invalid_request', 'invalid_parameter'],
      samples: [{ method: 'GET', path: '/admin/tenants/acme/limits', key: 'admin' }],
    }),
    put: operation({
      id: 'setTenantLimits',
      tag: 'Operator',
      summary: 'Say what a tenant may spend, from its next miss on',
      access: 'admin',
      params: { path },
      body: {
        content: {
          'application/json': {
            schema: TenantLimitsBody,
            examples: { day: { summary: 'Ten minutes a day, as many at once as all', value: exampleLimits } },
          },
        },
      },
      answers,
      problems: ['invalid_request', 'unknown_parameter', 'invalid_parameter', 'body_too_large'],
      samples: [{ method: 'PUT', path: '/admin/tenants/acme/limits', key: 'admin', body: { json: exampleLimits } }],
    }),
  },
};
