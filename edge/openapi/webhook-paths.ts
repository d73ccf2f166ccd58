import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { DeliveriesQuery } from '../request/list-query.ts';
import { WebhookDeliveryList, WebhookSecret } from '../../contract/answers.ts';
import { operation } from './operation.ts';

const secret = { 'application/json': { schema: WebhookSecret } };

/** The secret that signs webhooks, and what became of them. */
export const webhookPaths: ZodOpenApiPathsObject = {
  '/v1/webhook_secret': {
    get: operation({
      id: 'getWebhookSecret',
      tag: 'Webhooks',
      summary: 'Look at the secret that signs your webhooks',
      access: 'meshes',
      answers: { 200: { description: 'The secret, made with the first look.', content: secret } },
      samples: [{ method: 'GET', path: '/v1/webhook_secret', key: 'user' }],
    }),
    post: operation({
      id: 'rotateWebhookSecret',
      tag: 'Webhooks',
      summary: 'Change the secret that signs your webhooks',
      description: 'For a day, webhooks are signed by the secret before as well.',
      access: 'meshes',
      answers: { 200: { description: 'The new secret.', content: secret } },
      samples: [{ method: 'POST', path: '/v1/webhook_secret', key: 'user' }],
    }),
  },
  '/v1/webhook_deliveries': {
    get: operation({
      id: 'listWebhookDeliveries',
      tag: 'Webhooks',
      summary: 'List what became of your webhooks',
      description: 'The newest first: those on their way, and the last 1,000 that ended.',
      access: 'meshes',
      params: { query: DeliveriesQuery },
      answers: {
        200: { description: 'A page.', content: { 'application/json': { schema: WebhookDeliveryList } } },
      },
      problems: ['unknown_parameter', 'invalid_parameter'],
      samples: [{ method: 'GET', path: '/v1/webhook_deliveries?limit=5', key: 'user' }],
    }),
  },
};
