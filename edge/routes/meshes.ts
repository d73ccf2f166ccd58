import { Hono, type Context } from 'hono';
import { keyOfMeshId } from '../../contract/key.ts';
import type { Blob, MeshManifest } from '../../contract/mesh.ts';
import { Problem } from '../../contract/problem.ts';
import { outputFormats, preferWaitSecondsMax, type MeshRequest } from '../../contract/request.ts';
import type { Authenticated } from '../auth.ts';
import { negotiate } from '../http/accept.ts';
import { cacheStatus, hitFrom, notForwarded } from '../http/cache-status.ts';
import { parsePrefer, preferenceApplied } from '../http/prefer.ts';
import type { MeshMaker, MeshState } from '../mesh-maker.ts';
import { completedMesh, flyingMesh } from '../mesh-object.ts';
import { readMeshRequest } from '../request/mesh-request.ts';
import { serveAsset } from './assets.ts';

/** When a client should look at an unfinished mesh again. */
const retryAfterSeconds = 1;

type Bindings = { Bindings: { STORE: R2Bucket } };
type MeshesContext = Context<Authenticated & Bindings>;

/** `/v1/meshes`: asks for meshes and tells of them; to be mounted behind `requireKey`. */
export function meshRoutes(maker: MeshMaker) {
  return new Hono<Authenticated & Bindings>()
    .post('/', async (c) => {
      const { request, format, state } = await accept(c, maker);
      const asked = parsePrefer(c.req.header('prefer')).waitSeconds;
      const waitSeconds = asked ?? (format === 'bytes' ? preferWaitSecondsMax : 0);
      if (asked !== null) c.header('preference-applied', preferenceApplied(asked));
      return answer(c, await maker.wait(state, waitSeconds), { format, metadata: request.metadata });
    })
    .get('/:id', async (c) => {
      const state = await maker.find(keyOf(c.req.param('id')));
      return meshAnswer(c, state, { metadata: {}, unfinishedStatus: 200 });
    })
    .get('/:id/content', async (c) => {
      const { asset } = await finished(maker, c.req.param('id'));
      return download(c, asset);
    })
    .get('/:id/thumbnail', async (c) => {
      const { thumbnail } = await finished(maker, c.req.param('id'));
      if (thumbnail === null) throw new Problem('not_found', 'This mesh has no thumbnail.');
      return download(c, thumbnail);
    })
    .post('/:id/cancel', async (c) => {
      const state = await maker.cancel(keyOf(c.req.param('id')), c.get('tenant'));
      return meshAnswer(c, state, { metadata: {}, unfinishedStatus: 200 });
    });
}

type Accepted = { request: MeshRequest; format: 'json' | 'bytes'; state: MeshState };

/** Its own function, so that the picture's bytes are let go before the wait begins. */
async function accept(c: MeshesContext, maker: MeshMaker): Promise<Accepted> {
  const posted = await readMeshRequest(c.req.raw);
  const { request } = posted;
  const format = negotiate(c.req.header('accept'), outputFormats[request.output_format].mediaType);
  if (request.cache.mode === 'only_if_cached') c.header('cache-status', notForwarded);
  return { request, format, state: await maker.make(posted, c.get('tenant')) };
}

async function answer(
  c: MeshesContext,
  state: MeshState,
  { format, metadata }: { format: 'json' | 'bytes'; metadata: Record<string, string> },
): Promise<Response> {
  if (state.is === 'refused') {
    c.header('cache-status', hitFrom('failure'));
    throw new Problem(state.failure.code, state.failure.message, { param: 'image' });
  }
  // What this request found out by waiting is told as the next one will hear it.
  if (state.is === 'flying' && state.flight.is === 'failed' && state.flight.remembered) {
    c.header('cache-status', cacheStatus(state.cache, { stored: false }));
    throw new Problem(state.flight.failure.code, state.flight.failure.message, { param: 'image' });
  }
  if (state.is === 'completed' && format === 'bytes') {
    const response = await download(c, state.manifest.asset);
    response.headers.set('cache-status', cacheStatus(state.cache));
    response.headers.set('content-location', `/v1/meshes/mesh_${state.key}/content`);
    return response;
  }
  return meshAnswer(c, state, { metadata, unfinishedStatus: 202 });
}

/** A mesh object: 200, or `unfinishedStatus` while it is being made. */
function meshAnswer(
  c: MeshesContext,
  state: MeshState,
  { metadata, unfinishedStatus }: { metadata: Record<string, string>; unfinishedStatus: 200 | 202 },
): Response {
  if (state.is === 'refused') throw new Error('only a POST is refused; this is a bug');
  const context = { baseUrl: new URL(c.req.url).origin, cache: state.cache, metadata };
  c.header('cache-control', 'no-store');
  c.header('cache-status', cacheStatus(state.cache, { stored: state.is === 'completed' }));
  if (state.is === 'completed') return c.json(completedMesh(state.manifest, context));
  const mesh = flyingMesh(state.key, state.flight, context);
  if (mesh.status !== 'queued' && mesh.status !== 'in_progress') return c.json(mesh);
  c.header('retry-after', String(retryAfterSeconds));
  if (unfinishedStatus === 202) c.header('location', `/v1/meshes/${mesh.id}`);
  return c.json(mesh, unfinishedStatus);
}

async function finished(maker: MeshMaker, id: string): Promise<MeshManifest> {
  const state = await maker.find(keyOf(id));
  if (state.is === 'completed') return state.manifest;
  throw new Problem('mesh_not_ready', 'This mesh has no bytes yet.', { retryAfterSeconds });
}

function download(c: MeshesContext, { sha256, extension }: Blob): Promise<Response> {
  return serveAsset(c.req.raw, {
    name: { sha256, extension },
    r2: c.env.STORE,
    background: c.executionCtx,
    access: { life: 'revalidated' },
  });
}

function keyOf(id: string): string {
  const key = keyOfMeshId(id);
  if (key === null) throw new Problem('mesh_not_found', 'There is no mesh with this id.');
  return key;
}
