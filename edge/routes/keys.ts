import { Hono } from 'hono';
import { z } from 'zod';
import { Problem } from '../../contract/problem.ts';
import { TenantName } from '../tenant/tenant-name.ts';
import type { KeyStore } from '../access/key-store.ts';
import { isLive, type KeyTerms, type StoredKey } from '../access/calls.ts';
import { parse, readJson } from '../request/json.ts';
import { KeyScopes, type KeyAnswer, type KeyDeleted, type KeyList, type NewKeyAnswer } from '../../contract/answers.ts';

const labelCharactersMax = 100;
const lifeSecondsMax = 10 * 366 * 24 * 3600;

/** How long both keys of a rotation work unless told otherwise, and at most. */
const overlapSecondsDefault = 24 * 3600;
const overlapSecondsMax = 90 * 24 * 3600;

/** Keys on a page of the list: unless asked otherwise, and at most. */
const pageKeys = 20;
const pageKeysMax = 100;

/** The terms of a key that is to be made. */
export const NewKeyBody = z
  .strictObject({
    tenant: TenantName,
    label: z.string().max(labelCharactersMax).default(''),
    scopes: KeyScopes.default(['meshes']),
    default_scope: z.enum(['shared', 'private']).default('shared'),
    expires_in_seconds: z.number().int().min(1).max(lifeSecondsMax).nullable().default(null),
    gpu_ms_per_day: z.number().int().min(0).nullable().default(null),
    concurrent_misses: z.number().int().min(0).nullable().default(null),
  })
  .transform((body): KeyTerms => ({
    tenant: body.tenant,
    label: body.label,
    scopes: body.scopes,
    defaultScope: body.default_scope,
    gpuMsPerDay: body.gpu_ms_per_day,
    concurrentMissesMax: body.concurrent_misses,
    expiresAtSeconds: body.expires_in_seconds === null ? null : Math.floor(Date.now() / 1000) + body.expires_in_seconds,
  }));

/** How a key is replaced. */
export const RotateKeyBody = z.strictObject({
  overlap_seconds: z.number().int().min(0).max(overlapSecondsMax).default(overlapSecondsDefault),
});

const KeyId = z.string().regex(/^key_[0-9a-f]{32}$/, 'must be the id of a key');

/** Which page of the list. */
export const KeysQuery = z.strictObject({
  tenant: TenantName.nullable().default(null),
  limit: z
    .string()
    .regex(/^\d{1,3}$/, 'must be a number')
    .transform(Number)
    .pipe(z.number().min(1).max(pageKeysMax))
    .default(pageKeys),
  after: KeyId.nullable().default(null),
});

/** `/admin/keys`: makes, lists, ends and rotates API keys; to be mounted behind `requireKey` for the scope "admin". */
export function keyRoutes(store: KeyStore) {
  const noStore = { 'cache-control': 'no-store' };
  return new Hono()
    .post('/', async (c) => {
      const { key, text } = await store.create(await readJson(c.req.raw, NewKeyBody));
      return c.json({ ...keyObject(key), key: text } satisfies NewKeyAnswer, 201, noStore);
    })
    .get('/', async (c) => {
      const { tenant, limit, after } = parse(KeysQuery, c.req.query());
      const page = await store.list({ tenant, limit, afterId: after });
      if (page === null) throw new Problem('invalid_parameter', 'There is no such key.', { param: 'after' });
      const data = page.keys.map(keyObject);
      const ends = { first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
      const list: KeyList = { object: 'list', data, ...ends, has_more: page.hasMore };
      return c.json(list, 200, noStore);
    })
    .get('/:id', async (c) => c.json(keyObject(await store.get(c.req.param('id'))), 200, noStore))
    .delete('/:id', async (c) => {
      const id = c.req.param('id');
      await store.revoke(id);
      return c.json({ id, object: 'api_key.deleted', deleted: true } satisfies KeyDeleted);
    })
    .post('/:id/rotate', async (c) => {
      const { overlap_seconds: overlapSeconds } = await readJson(c.req.raw, RotateKeyBody);
      const { key, text } = await store.rotate(c.req.param('id'), overlapSeconds);
      return c.json({ ...keyObject(key), key: text } satisfies NewKeyAnswer, 201, noStore);
    });
}

/** A key as operators see it; what it is made of is told once, when it is made. */
function keyObject(key: StoredKey): KeyAnswer {
  const ended = key.revokedAtSeconds === null ? 'expired' : 'revoked';
  return {
    id: key.id,
    object: 'api_key',
    status: isLive(key) ? 'active' : ended,
    tenant: key.tenant,
    label: key.label,
    scopes: key.scopes,
    default_scope: key.defaultScope,
    gpu_ms_per_day: key.gpuMsPerDay,
    concurrent_misses: key.concurrentMissesMax,
    created_at: key.createdAtSeconds,
    expires_at: key.expiresAtSeconds,
    revoked_at: key.revokedAtSeconds,
  };
}
