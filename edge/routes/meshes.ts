import { Hono, type Context } from 'hono';
import { keyOfMeshId, meshId } from '../../contract/key.ts';
import { Problem } from '../../contract/problem.ts';
import { ownTenant, type Authenticated } from '../access/auth.ts';
import { listMeshes } from '../meshes/mesh-list.ts';
import { meshNotFound, type CompletedMesh } from '../meshes/mesh-state.ts';
import type { Meshes } from '../meshes/meshes.ts';
import { readListQuery } from '../request/list-query.ts';
import type { Tenants } from '../tenant/tenants.ts';
import type { MeshDeleted, MeshList } from '../../contract/answers.ts';
import { assetUrlsOf, download, meshAnswer, retryAfterSeconds, type MeshAnswerOptions } from './mesh-answer.ts';
import { meshEvents } from './mesh-events.ts';

export type MeshRoutesOptions = MeshAnswerOptions & { meshes: Meshes; tenants: Tenants };
type MeshesContext = Context<Authenticated>;

/** `/v1/meshes`: tells of meshes, to be mounted behind `requireKey`. They are asked for by `post-mesh.ts`. */
export function meshRoutes(options: MeshRoutesOptions) {
  const { meshes, tenants } = options;
  const metadataOf = async (tenant: string, key: string) => (await tenants.listed(tenant, key))?.metadata ?? {};
  return new Hono<Authenticated>()
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
      return meshAnswer(c.get('context'), { state, metadata, unfinishedStatus: 200 }, options);
    })
    .get('/:id/content', async (c) => {
      const mesh = await finished(c, meshes);
      return download(c.get('context'), { mesh, blob: mesh.manifest.asset }, options);
    })
    .get('/:id/thumbnail', async (c) => {
      const mesh = await finished(c, meshes);
      const { thumbnail } = mesh.manifest;
      if (thumbnail === null) throw new Problem('not_found', 'This mesh has no thumbnail.');
      return download(c.get('context'), { mesh, blob: thumbnail }, options);
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
      return meshAnswer(c.get('context'), { state, metadata, unfinishedStatus: 200 }, options);
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
