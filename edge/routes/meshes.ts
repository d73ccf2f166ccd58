import type { WebhookObjects } from '../webhooks/calls.ts';
import { Hono } from 'hono';
import { keyOfMeshId, meshId } from '../../contract/key.ts';
import { Problem } from '../../contract/problem.ts';
import { preferWaitSecondsMax } from '../../contract/request.ts';
import { ownTenant, type Authenticated } from '../access/auth.ts';
import { budgetHeaders } from '../tenant/budget.ts';
import { parsePrefer, preferenceApplied } from '../http/prefer.ts';
import { listMeshes } from '../meshes/mesh-list.ts';
import { meshNotFound, type CompletedMesh } from '../meshes/mesh-state.ts';
import type { Meshes } from '../meshes/meshes.ts';
import { readListQuery } from '../request/list-query.ts';
import type { Tenants } from '../tenant/tenants.ts';
import type { MeshDeleted, MeshList } from './answers.ts';
import { announce } from '../webhooks/announce.ts';
import { acceptMesh, type AcceptOptions } from './accept-mesh.ts';
import {
  assetUrlsOf,
  download,
  meshAnswer,
  postAnswer,
  retryAfterSeconds,
  type MeshAnswerOptions,
  type MeshesContext,
} from './mesh-answer.ts';
import { meshEvents } from './mesh-events.ts';

export type MeshRoutesOptions = MeshAnswerOptions &
  AcceptOptions & { meshes: Meshes; tenants: Tenants; webhooks: WebhookObjects };

/** `/v1/meshes`: asks for meshes and tells of them; to be mounted behind `requireKey`. */
export function meshRoutes(options: MeshRoutesOptions) {
  const { meshes, tenants } = options;
  const metadataOf = async (tenant: string, key: string) => (await tenants.listed(tenant, key))?.metadata ?? {};
  return new Hono<Authenticated>()
    .post('/', async (c) => {
      const by = { caller: c.get('caller'), trace: c.get('trace') };
      const { request, format, state, budget } = await (c.env.begun?.accepted ?? acceptMesh(c.req.raw, by, options));
      if (budget !== null) for (const [header, value] of Object.entries(budgetHeaders(budget))) c.header(header, value);
      if (request.webhook_url !== undefined) {
        const { tenant } = by.caller;
        await announce(options.webhooks, { tenant, request, state, baseUrl: new URL(c.req.url).origin });
      }
      c.set('meshOutcome', state.is === 'refused' ? { status: 'refused' } : state.cache);
      const asked = parsePrefer(c.req.header('prefer')).waitSeconds;
      const waitSeconds = asked ?? (format === 'bytes' ? preferWaitSecondsMax : 0);
      if (asked !== null) c.header('preference-applied', preferenceApplied(asked));
      const waited = await meshes.wait(state, waitSeconds);
      return postAnswer(c, { state: waited, format, metadata: request.metadata }, options);
    })
    .get('/', async (c) => {
      const assetUrls = assetUrlsOf(c.req, options.urlSecret);
      const tenant = ownTenant(c.get('caller'));
      const list = await listMeshes(tenant, readListQuery(c.req.query()), { ...options, assetUrls });
      return c.json(list satisfies MeshList, 200, { 'cache-control': 'no-store' });
    })
    .get('/:id', async (c) => {
      const key = keyOf(c.req.param('id'));
      const { tenant } = c.get('caller');
      const [state, metadata] = await Promise.all([meshes.find(key, tenant), metadataOf(tenant, key)]);
      return meshAnswer(c, { state, metadata, unfinishedStatus: 200 }, options);
    })
    .get('/:id/content', async (c) => {
      const mesh = await finished(c, meshes);
      return download(c, { mesh, blob: mesh.manifest.asset }, options);
    })
    .get('/:id/thumbnail', async (c) => {
      const mesh = await finished(c, meshes);
      const { thumbnail } = mesh.manifest;
      if (thumbnail === null) throw new Problem('not_found', 'This mesh has no thumbnail.');
      return download(c, { mesh, blob: thumbnail }, options);
    })
    .get('/:id/events', async (c) => {
      const key = keyOf(c.req.param('id'));
      const { tenant } = c.get('caller');
      const [state, metadata] = await Promise.all([meshes.current(key, tenant), metadataOf(tenant, key)]);
      const context = { assetUrls: assetUrlsOf(c.req, options.urlSecret), metadata };
      return meshEvents(c, state, { meshes, context });
    })
    .post('/:id/cancel', async (c) => {
      const key = keyOf(c.req.param('id'));
      const tenant = ownTenant(c.get('caller'));
      const [state, metadata] = await Promise.all([meshes.cancel(key, tenant), metadataOf(tenant, key)]);
      return meshAnswer(c, { state, metadata, unfinishedStatus: 200 }, options);
    })
    .delete('/:id', async (c) => {
      const key = keyOf(c.req.param('id'));
      await meshes.remove(key, ownTenant(c.get('caller')));
      return c.json({ id: meshId(key), object: 'mesh.deleted', deleted: true } satisfies MeshDeleted);
    });
}

async function finished(c: MeshesContext, meshes: Meshes): Promise<CompletedMesh> {
  const state = await meshes.find(keyOf(c.req.param('id') ?? ''), c.get('caller').tenant);
  if (state.is === 'completed') return state;
  throw new Problem('mesh_not_ready', 'This mesh has no bytes yet.', { retryAfterSeconds });
}

function keyOf(id: string): string {
  const key = keyOfMeshId(id);
  if (key === null) throw meshNotFound();
  return key;
}
