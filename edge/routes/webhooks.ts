import type { WebhookObjects } from '../webhooks/calls.ts';
import { Hono, type Context } from 'hono';
import { meshId } from '../../contract/key.ts';
import { Problem } from '../../contract/problem.ts';
import { ownTenant, type Authenticated } from '../access/auth.ts';
import { parse } from '../request/json.ts';
import { DeliveriesQuery } from '../request/list-query.ts';
import type { WebhookSecrets } from '../webhooks/secrets.ts';
import type { Delivery } from '../webhooks/webhook-store.ts';
import type { WebhookDelivery, WebhookDeliveryList, WebhookSecret } from '../../contract/answers.ts';

/** The secret that signs a tenant's webhooks, and what became of them; to be mounted at `/v1` behind `requireKey`. */
export function webhookRoutes(namespace: WebhookObjects) {
  const own = (c: Context<Authenticated>) => namespace.getByName(/* defence: API1-6 */ ownTenant(c.get('caller')));
  return new Hono<Authenticated>()
    .get('/webhook_secret', async (c) => c.json(secretObject(await own(c).secrets()), 200, notStored))
    .post('/webhook_secret', async (c) => c.json(secretObject(await own(c).rotate()), 200, notStored))
    .get('/webhook_deliveries', async (c) => {
      const { limit, after = null } = parse(DeliveriesQuery, c.req.query());
      const page = await own(c).list({ limit, after });
      if (page === null) throw new Problem('invalid_parameter', 'There is no such delivery.', { param: 'after' });
      const data = page.deliveries.map(deliveryObject);
      const ends = { first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
      const list: WebhookDeliveryList = { object: 'list', data, ...ends, has_more: page.hasMore };
      return c.json(list, 200, notStored);
    });
}

const notStored = { 'cache-control': 'no-store' };

function secretObject({ secret, createdAtSeconds, previous }: WebhookSecrets): WebhookSecret {
  return {
    object: 'webhook_secret',
    secret,
    created_at: createdAtSeconds,
    previous_valid_until: previous?.untilSeconds ?? null,
  };
}

function deliveryObject(delivery: Delivery): WebhookDelivery {
  const { id, key, type, url, state, attempts, status, createdAtMs, dueAtMs } = delivery;
  return {
    id,
    object: 'webhook_delivery',
    type,
    mesh: meshId(key),
    url,
    status: state,
    attempts,
    response_status: status,
    created_at: Math.floor(createdAtMs / 1000),
    next_attempt_at: dueAtMs === null ? null : Math.ceil(dueAtMs / 1000),
  };
}
