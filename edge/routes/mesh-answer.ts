import type { Context } from 'hono';
import type { StoredBlob, MeshManifest } from '../../contract/mesh.ts';
import { Problem } from '../../contract/problem.ts';
import type { AssetUrls } from '../meshes/asset-url.ts';
import type { Authenticated } from '../access/auth.ts';
import type { Manifests } from '../store/manifests.ts';
import { cacheStatus, hitFrom } from '../http/cache-status.ts';
import { urlOrigin } from '../http/url-origin.ts';
import { meshObject, meshText } from '../meshes/mesh-object.ts';
import type { CompletedMesh, MeshState } from '../meshes/mesh-state.ts';
import type { FlightFailure } from '../flight/flight-record.ts';
import { serveAsset } from './assets.ts';

/** When a client should look at an unfinished mesh again. */
export const retryAfterSeconds = 1;

export type MeshAnswerOptions = { manifests: Manifests; r2: R2Bucket; urlSecret: string };
export type MeshesContext = Context<Authenticated>;

/** Headers of a mesh object that is text already. */
export const jsonHeaders = { 'content-type': 'application/json', 'cache-control': 'no-store' } as const;

/** Answers a `POST /v1/meshes` with the mesh or its bytes; throws the Problem of a picture that cannot be made one. */
export async function postAnswer(
  c: MeshesContext,
  { state, format, metadata }: { state: MeshState; format: 'json' | 'bytes'; metadata: Record<string, string> },
  options: MeshAnswerOptions,
): Promise<Response> {
  if (state.is === 'refused') {
    c.header('cache-status', hitFrom('failure'));
    throw problemOf(state.failure);
  }
  // What this request found out by waiting is told as the next one will hear it.
  if (state.is === 'flying' && state.flight.is === 'failed' && state.flight.remembered) {
    c.header('cache-status', cacheStatus(state.cache, { stored: false }));
    throw problemOf(state.flight.failure);
  }
  if (state.is === 'completed' && format === 'bytes') {
    const response = await download(c, { mesh: state, blob: state.manifest.asset }, options);
    response.headers.set('cache-status', cacheStatus(state.cache));
    response.headers.set('content-location', `/v1/meshes/mesh_${state.key}/content`);
    return response;
  }
  return meshAnswer(c, { state, metadata, unfinishedStatus: 202 }, options);
}

function problemOf({ code, message }: FlightFailure): Problem {
  return new Problem(code, message, { param: code === 'prompt_refused' ? 'prompt' : 'image' });
}

/** A mesh object: 200, or `unfinishedStatus` while it is being made. */
export async function meshAnswer(
  c: MeshesContext,
  told: { state: MeshState; metadata: Record<string, string>; unfinishedStatus: 200 | 202 },
  { urlSecret }: MeshAnswerOptions,
): Promise<Response> {
  const { state, metadata, unfinishedStatus } = told;
  if (state.is === 'refused') throw new Error('only a POST is refused; this is a bug');
  const context = { assetUrls: assetUrlsOf(c.req, urlSecret), metadata };
  c.header('cache-control', 'no-store');
  c.header('cache-status', cacheStatus(state.cache, { stored: state.is === 'completed' }));
  if (state.is === 'completed') return c.body(await meshText(state, context), 200, jsonHeaders);
  const mesh = await meshObject(state, context);
  if (mesh.status !== 'queued' && mesh.status !== 'in_progress') return c.json(mesh);
  c.header('retry-after', String(retryAfterSeconds));
  if (unfinishedStatus === 202) c.header('location', `/v1/meshes/${mesh.id}`);
  return c.json(mesh, unfinishedStatus);
}

/** The bytes of a mesh's blob, with the headers and rules of an asset. */
export function download(
  c: MeshesContext,
  { mesh, blob }: { mesh: CompletedMesh; blob: StoredBlob },
  { manifests, r2 }: MeshAnswerOptions,
): Promise<Response> {
  const { sha256, extension } = blob;
  const name = { sha256, extension };
  return serveAsset(c.req.raw, {
    name,
    r2,
    manifests,
    background: c.executionCtx,
    access: accessOf(mesh.manifest),
    onFound: (tier) => c.set('assetTier', tier),
  });
}

/** Where the assets of meshes are served to the client that asks. */
export function assetUrlsOf({ url }: { url: string }, urlSecret: string): AssetUrls {
  return { baseUrl: urlOrigin(url), secret: urlSecret };
}

function accessOf({ key, owner }: MeshManifest) {
  return owner === undefined ? ({ life: 'revalidated' } as const) : ({ life: 'private', meshKey: key } as const);
}
