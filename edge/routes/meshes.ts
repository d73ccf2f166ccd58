import { Hono } from 'hono';
import { keyOfMeshId, meshId } from '../../contract/key.ts';
import { Problem } from '../../contract/problem.ts';
import { outputFormats, preferWaitSecondsMax, type MeshRequest } from '../../contract/request.ts';
import { ownTenant, type Authenticated } from '../auth.ts';
import { budgetHeaders } from '../limits/budget.ts';
import { negotiate } from '../http/accept.ts';
import { notForwarded } from '../http/cache-status.ts';
import { readIdempotencyKey } from '../http/idempotency-key.ts';
import { parsePrefer, preferenceApplied } from '../http/prefer.ts';
import { listMeshes } from '../meshes/mesh-list.ts';
import type { MeshMaker } from '../meshes/mesh-maker.ts';
import { meshNotFound, type CompletedMesh, type MeshState } from '../meshes/mesh-state.ts';
import type { Meshes } from '../meshes/meshes.ts';
import type { Webhooks } from '../objects/webhooks.ts';
import type { Outside } from '../outside/outside.ts';
import { readListQuery } from '../request/list-query.ts';
import { readMeshRequest } from '../request/mesh-request.ts';
import type { Tenants } from '../meshes/tenants.ts';
import type { MeshDeleted, MeshList } from './answers.ts';
import { announce } from '../webhooks/announce.ts';
import { assetUrlsOf, download, meshAnswer, postAnswer, retryAfterSeconds } from './mesh-answer.ts';
import type { MeshAnswerOptions, MeshesContext } from './mesh-answer.ts';
import { meshEvents } from './mesh-events.ts';

export type MeshRoutesOptions = MeshAnswerOptions & {
  maker: MeshMaker;
  meshes: Meshes;
  tenants: Tenants;
  /** Where pictures are fetched that are given by their URLs. */
  outside: Outside;
  webhooks: DurableObjectNamespace<Webhooks>;
};

/** `/v1/meshes`: asks for meshes and tells of them; to be mounted behind `requireKey`. */
export function meshRoutes(options: MeshRoutesOptions) {
  const { meshes, tenants } = options;
  const metadataOf = async (tenant: string, key: string) => (await tenants.listed(tenant, key))?.metadata ?? {};
  return new Hono<Authenticated>()
    .post('/', async (c) => {
      const { request, format, state } = await accept(c, options);
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

type Accepted = { request: MeshRequest; format: 'json' | 'bytes'; state: MeshState };

/** Its own function, so that the picture's bytes are let go before the wait begins. */
async function accept(c: MeshesContext, { maker, outside, webhooks }: MeshRoutesOptions): Promise<Accepted> {
  const caller = c.get('caller');
  const name = readIdempotencyKey(c.req.header('idempotency-key'));
  const posted = await readMeshRequest(c.req.raw, outside);
  const { request } = posted;
  const format = negotiate(c.req.header('accept'), outputFormats[request.output_format].mediaType);
  if (request.cache.mode === 'only_if_cached') c.header('cache-status', notForwarded);
  const hook = request.webhook_url === undefined ? null : { tenant: ownTenant(caller), request };
  const { state, budget } = await maker.make(posted, { caller, name, trace: c.get('trace') });
  if (budget !== null) for (const [header, value] of Object.entries(budgetHeaders(budget))) c.header(header, value);
  if (hook !== null) await announce(webhooks, { ...hook, state, baseUrl: new URL(c.req.url).origin });
  return { request, format, state };
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
