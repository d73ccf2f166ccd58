import { z } from 'zod';
import { Sha256 } from './digest.ts';
import { MeshObject } from './mesh.ts';
import { Model } from './model.ts';

/** The id of a mesh. */
export const MeshId = z
  .string()
  .regex(/^mesh_[0-9a-f]{64}$/)
  .describe('`mesh_` and the request key: 64 hexadecimal digits made of everything that changes the bytes.');

/** An OpenAI model object, and what only a mesh model has. */
export const ModelAnswer = z.object({
  id: Model.shape.id.describe('`name@version`.'),
  object: z.literal('model'),
  created: z.number().int().describe('Seconds since the epoch.'),
  owned_by: z.string(),
  family: Model.shape.family.describe('What kind of network it is.'),
  title: Model.shape.title,
  description: Model.shape.description,
  licence: Model.shape.licence,
  capabilities: z.object({
    uses: Model.shape.uses.describe('Fields beyond the common ones that change what it makes.'),
    defaults: Model.shape.defaults.describe('Its own values of those.'),
    prompts: z.boolean().describe('Whether an origin draws pictures of prompts for it.'),
  }),
});
export type ModelAnswer = z.infer<typeof ModelAnswer>;

export const ModelList = z.object({ object: z.literal('list'), data: z.array(ModelAnswer) });
export type ModelList = z.infer<typeof ModelList>;

/** A page of a tenant's meshes, an OpenAI list object. */
export const MeshList = z.object({
  object: z.literal('list'),
  data: z.array(MeshObject),
  first_id: MeshId.nullable(),
  last_id: MeshId.nullable().describe('`after` of the next page.'),
  has_more: z.boolean(),
});
export type MeshList = z.infer<typeof MeshList>;

export const MeshDeleted = z.object({
  id: MeshId,
  object: z.literal('mesh.deleted'),
  deleted: z.literal(true),
});
export type MeshDeleted = z.infer<typeof MeshDeleted>;

/** The secret that signs a tenant's webhooks. */
export const WebhookSecret = z.object({
  object: z.literal('webhook_secret'),
  secret: z
    .string()
    .regex(/^whsec_[A-Za-z0-9+/]{43}=$/)
    .describe('For the libraries of Standard Webhooks.'),
  created_at: z.number().int().describe('Seconds since the epoch.'),
  previous_valid_until: z.number().int().nullable().describe('Until when the secret before signs too.'),
});
export type WebhookSecret = z.infer<typeof WebhookSecret>;

const WebhookDelivery = z.object({
  id: z.string().describe('`webhook-id` of every attempt.'),
  object: z.literal('webhook_delivery'),
  type: z.enum(['mesh.completed', 'mesh.failed', 'mesh.cancelled']),
  mesh: MeshId,
  url: z.string(),
  status: z.enum(['pending', 'delivered', 'failed']),
  attempts: z.number().int().nonnegative(),
  response_status: z.number().int().nullable().describe('Of the last attempt; null where there was no answer.'),
  created_at: z.number().int(),
  next_attempt_at: z.number().int().nullable(),
});
export type WebhookDelivery = z.infer<typeof WebhookDelivery>;

/** A page of a tenant's webhook deliveries, an OpenAI list object. */
export const WebhookDeliveryList = z.object({
  object: z.literal('list'),
  data: z.array(WebhookDelivery),
  first_id: z.string().nullable(),
  last_id: z.string().nullable().describe('`after` of the next page.'),
  has_more: z.boolean(),
});
export type WebhookDeliveryList = z.infer<typeof WebhookDeliveryList>;

export const Health = z.object({ status: z.literal('ok') });
export type Health = z.infer<typeof Health>;

export const Readiness = z.object({
  status: z.literal('ready'),
  origins: z.number().int().positive().describe('How many are ready.'),
});
export type Readiness = z.infer<typeof Readiness>;

const Seconds = z.number().int().nonnegative();

/** What a purge did. */
export const PurgeAnswer = z.object({
  object: z.literal('purge'),
  complete: z.boolean().describe('`false` when there was more than one call removes: the same call goes on.'),
  meshes: z.array(MeshId).describe('What was removed.'),
  flights_ended: z.array(MeshId).describe('What was being made.'),
  digests: z.array(Sha256).describe('Bytes that are gone.'),
  geometry: z.array(Sha256).describe('Surfaces that are gone, by their keys.'),
  shared: z.array(Sha256).describe('Bytes and surfaces that stay, since other meshes have the same.'),
  forgotten_after_seconds: z
    .object({
      r2: Seconds,
      kv: Seconds,
      manifests_in_memory: Seconds,
      assets_in_colo: Seconds,
      assets_in_memory: Seconds,
      browsers: z.null().describe('What was downloaded cannot be called back.'),
    })
    .describe('By when each layer has forgotten.'),
});
export type PurgeAnswer = z.infer<typeof PurgeAnswer>;

export const TakedownList = z.object({
  object: z.literal('list'),
  data: z.array(z.object({ sha256: Sha256, reason: z.string(), created_at: Seconds })),
  cursor: z.string().nullable().describe('`cursor` of the next page.'),
  has_more: z.boolean(),
});
export type TakedownList = z.infer<typeof TakedownList>;

export const TakedownDeleted = z.object({
  sha256: Sha256,
  object: z.literal('takedown.deleted'),
  deleted: z.literal(true),
});
export type TakedownDeleted = z.infer<typeof TakedownDeleted>;

/** Where a page of the index begins. */
export const IndexPlace = z.object({ of: z.enum(['meshes', 'tags']), after: z.string().nullable() });

/** How the index and R2 compare on one page. */
export const IndexPageAnswer = z.object({
  object: z.literal('index.page'),
  of: IndexPlace.shape.of,
  same: Seconds,
  missing: Seconds.describe('Not in the index, or not so.'),
  stale: Seconds.describe('In the index alone.'),
  damaged: z.array(z.string()).describe('Manifests in R2 that cannot be read.'),
  next: IndexPlace.nullable().describe('`after` of the next page.'),
});
export type IndexPageAnswer = z.infer<typeof IndexPageAnswer>;

/** What a key lets its holder do: `meshes` what is under `/v1`, `admin` what is under `/admin`. */
export const KeyScopes = z.array(z.enum(['meshes', 'admin'])).min(1);

/** An API key as operators see it. */
export const KeyAnswer = z.object({
  id: z.string().describe('`key_` and 32 hexadecimal digits; not the key itself.'),
  object: z.literal('api_key'),
  status: z.enum(['active', 'expired', 'revoked']),
  tenant: z.string(),
  label: z.string(),
  scopes: KeyScopes,
  default_scope: z.enum(['shared', 'private']).describe('`cache.scope` of the requests that name none.'),
  gpu_ms_per_day: Seconds.nullable().describe(
    "GPU milliseconds of its own misses in a day; null for its tenant's limit alone.",
  ),
  concurrent_misses: Seconds.nullable().describe(
    "Its own misses in progress at once; null for its tenant's limit alone.",
  ),
  created_at: Seconds,
  expires_at: Seconds.nullable(),
  revoked_at: Seconds.nullable(),
});
export type KeyAnswer = z.infer<typeof KeyAnswer>;

export const NewKeyAnswer = KeyAnswer.extend({
  key: z.string().describe('What to send as `Authorization: Bearer <key>`. It is stored nowhere.'),
});
export type NewKeyAnswer = z.infer<typeof NewKeyAnswer>;

export const KeyList = z.object({
  object: z.literal('list'),
  data: z.array(KeyAnswer),
  first_id: z.string().nullable(),
  last_id: z.string().nullable().describe('`after` of the next page.'),
  has_more: z.boolean(),
});
export type KeyList = z.infer<typeof KeyList>;

export const KeyDeleted = z.object({ id: z.string(), object: z.literal('api_key.deleted'), deleted: z.literal(true) });
export type KeyDeleted = z.infer<typeof KeyDeleted>;

/** What a tenant's misses may cost. */
export const TenantLimits = z.object({
  object: z.literal('tenant.limits'),
  tenant: z.string(),
  gpu_ms_per_day: Seconds.describe('GPU milliseconds in a UTC day; 0 leaves hits alone.'),
  concurrent_misses: Seconds.describe('Misses in progress at once.'),
});
export type TenantLimits = z.infer<typeof TenantLimits>;

/** What a tenant asked for, by UTC day. */
export const UsageAnswer = z.object({
  object: z.literal('usage'),
  start_date: z.string(),
  end_date: z.string(),
  data: z
    .array(
      z.object({
        object: z.literal('usage.day'),
        date: z.string(),
        requests: Seconds.describe('Calls under `/v1`, whatever their answers.'),
        hits: z.object({ memory: Seconds, kv: Seconds, r2: Seconds }).describe('Meshes that were known, by the tier.'),
        misses: Seconds.describe('Meshes whose making began with a request of yours.'),
        joined: Seconds.describe('Meshes that were in the making already.'),
        gpu_ms_spent: z.number().describe('What the misses cost, exactly.'),
        gpu_ms_saved: z.number().describe('What the meshes of the hits had cost when they were made.'),
      }),
    )
    .describe('Days on which there was anything, the oldest first.'),
});
export type UsageAnswer = z.infer<typeof UsageAnswer>;
