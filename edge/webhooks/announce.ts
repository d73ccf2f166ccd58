import type { WebhookObjects } from './calls.ts';
import { Problem } from '../../contract/problem.ts';
import type { MeshRequest } from '../../contract/request.ts';
import { isPrivate, type MeshState } from '../meshes/mesh-state.ts';

/** Retry-After for a tenant with too many open webhooks, in seconds. */
const fullRetrySeconds = 60;

/** The fields of a request that its webhook needs. */
type WebhookFields = Pick<MeshRequest, 'metadata' | 'webhook_url'>;

/**
 * Registers a request's `webhook_url`, if it has one: it is told at once if the mesh has ended, else when it ends.
 * Throws the Problem `rate_limit_exceeded` when the tenant has too many open.
 */
export async function announce(
  webhooks: WebhookObjects,
  of: { tenant: string; asked: WebhookFields; state: MeshState; baseUrl: string },
): Promise<void> {
  const { tenant, asked, state, baseUrl } = of;
  // A request that is refused has no mesh to tell of; its own answer says why.
  if (asked.webhook_url === undefined || state.is === 'refused') return;
  const { model, outputFormat } = state.is === 'completed' ? state.manifest : state.flight;
  const mesh = {
    key: state.key,
    createdAtSeconds: Math.floor(Date.now() / 1000),
    model,
    outputFormat,
    scope: isPrivate(state) ? 'private' : 'shared',
    metadata: asked.metadata,
  } as const;
  const joined = state.cache.status === 'joined' && { joined: true as const };
  const taken = await webhooks.getByName(tenant).announce({ mesh, url: asked.webhook_url, baseUrl, ...joined, state });
  if (taken) return;
  const message = 'Too many webhooks of yours wait for a mesh or for their receivers.';
  throw new Problem('rate_limit_exceeded', message, { retryAfterSeconds: fullRetrySeconds });
}
