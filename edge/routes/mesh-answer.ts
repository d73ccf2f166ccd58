import type { MeshManifest, StoredBlob } from '../../contract/mesh.ts';
import { Problem } from '../../contract/problem.ts';
import type { FlightFailure } from '../flight/flight-record.ts';
import { cacheStatus, hitFrom } from '../http/cache-status.ts';
import { openHeaders } from '../http/cors.ts';
import { defaultHeaders } from '../http/security-headers.ts';
import { urlOrigin } from '../http/url-origin.ts';
import type { AssetUrls } from '../meshes/asset-url.ts';
import { meshObject, meshText } from '../meshes/mesh-object.ts';
import type { CompletedMesh, MeshState } from '../meshes/mesh-state.ts';
import type { RequestContext } from '../request-context.ts';
import { serveAsset, type AssetStores } from './serve-asset.ts';

/** When a client should look at an unfinished mesh again. */
export const retryAfterSeconds = 1;

export type MeshAnswerOptions = AssetStores & { urlSecret: string };

/** Headers of every mesh object. They hold what `finish` would add too: a copy of these costs less than to set each. */
const meshHeaders = new Headers({
  ...defaultHeaders,
  ...openHeaders,
  'content-type': 'application/json',
  'cache-control': 'no-store',
});

/** Answers a `POST /v1/meshes` with the mesh or its bytes; throws the Problem of a picture that cannot be made one. */
export async function postAnswer(
  context: RequestContext,
  { state, format, metadata }: { state: MeshState; format: 'json' | 'bytes'; metadata: Record<string, string> },
  options: MeshAnswerOptions,
): Promise<Response> {
  if (state.is === 'refused') {
    context.headers['cache-status'] = hitFrom('failure');
    throw problemOf(state.failure);
  }
  // A failure that this request found out by waiting is told as the next request will hear it.
  if (state.is === 'flying' && state.flight.is === 'failed' && state.flight.remembered) {
    context.headers['cache-status'] = cacheStatus(state.cache, { stored: false });
    throw problemOf(state.flight.failure);
  }
  if (state.is === 'completed' && format === 'bytes') {
    const response = await download(context, { mesh: state, blob: state.manifest.asset }, options);
    response.headers.set('cache-status', cacheStatus(state.cache));
    response.headers.set('content-location', `/v1/meshes/mesh_${state.key}/content`);
    return response;
  }
  return meshAnswer(context, { state, metadata, unfinishedStatus: 202 }, options);
}

function problemOf({ code, message }: FlightFailure): Problem {
  return new Problem(code, message, { param: code === 'prompt_refused' ? 'prompt' : 'image' });
}

/** A mesh object: 200, or `unfinishedStatus` while it is being made. */
export async function meshAnswer(
  context: RequestContext,
  told: { state: MeshState; metadata: Record<string, string>; unfinishedStatus: 200 | 202 },
  { urlSecret }: MeshAnswerOptions,
): Promise<Response> {
  const { request, headers } = context;
  const { state, metadata, unfinishedStatus } = told;
  if (state.is === 'refused') throw new Error('only a POST is refused; this is a bug');
  const of = { assetUrls: assetUrlsOf(request, urlSecret), metadata };
  headers['cache-status'] = cacheStatus(state.cache, { stored: state.is === 'completed' });
  if (state.is === 'completed') return meshResponse(await meshText(state, of), 200, context);
  const mesh = await meshObject(state, of);
  const text = JSON.stringify(mesh);
  if (mesh.status !== 'queued' && mesh.status !== 'in_progress') return meshResponse(text, 200, context);
  headers['retry-after'] = String(retryAfterSeconds);
  if (unfinishedStatus === 202) headers.location = `/v1/meshes/${mesh.id}`;
  return meshResponse(text, unfinishedStatus, context);
}

function meshResponse(text: string, status: 200 | 202, context: RequestContext): Response {
  const response = new Response(text, { status, headers: meshHeaders });
  for (const [name, value] of Object.entries(context.headers)) response.headers.set(name, value);
  context.hasStandingHeaders = true;
  return response;
}

/** The bytes of a mesh's blob, with the headers and rules of an asset. */
export function download(
  context: RequestContext,
  { mesh, blob }: { mesh: CompletedMesh; blob: StoredBlob },
  stores: AssetStores,
): Promise<Response> {
  const { sha256, extension } = blob;
  return serveAsset(context, { ...stores, name: { sha256, extension }, access: accessOf(mesh.manifest) });
}

/** Where the assets of meshes are served to the client that asks. */
export function assetUrlsOf({ url }: { url: string }, urlSecret: string): AssetUrls {
  return { baseUrl: urlOrigin(url), secret: urlSecret };
}

function accessOf({ key, owner }: MeshManifest) {
  return owner === undefined ? ({ life: 'revalidated' } as const) : ({ life: 'private', meshKey: key } as const);
}
