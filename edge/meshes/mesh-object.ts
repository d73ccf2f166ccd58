import { meshId } from '../../contract/key.ts';
import type { MeshManifest, MeshObject } from '../../contract/mesh.ts';
import { assetUrl, type AssetUrls } from './asset-url.ts';
import { missOutcome, type CompletedMesh, type MeshState } from './mesh-state.ts';
import type { ListedMesh } from '../tenant/calls.ts';

export type MeshContext = {
  assetUrls: AssetUrls;
  /** What the tenant that asks has given for this mesh. */
  metadata: Record<string, string>;
};

/** The mesh object of a mesh that is stored or in a flight. */
export async function meshObject(state: MeshState, { assetUrls, metadata }: MeshContext): Promise<MeshObject> {
  if (state.is === 'refused') throw new Error('a refused request has no mesh; this is a bug');
  const { key, cache } = state;
  if (state.is === 'completed') return { ...(await finished(state.manifest, assetUrls)), cache, metadata };
  const { flight } = state;
  const { progress, stage } = 'stage' in flight ? flight : { progress: 0, stage: null };
  return {
    ...unfinished({ key, ...flight }, { status: flight.is, progress, stage }),
    cache,
    error: flight.is === 'failed' ? { code: flight.failure.code, message: flight.failure.message } : null,
    metadata,
  };
}

/** What every answer about a public mesh begins with, at the origin of these URLs, for as long as memory holds it. */
const beginnings = new WeakMap<MeshManifest, { baseUrl: string; text: string }>();

/** The mesh object of a finished mesh as the text of an answer: most of it is the same in each and is made once. */
export async function meshText({ manifest, cache }: CompletedMesh, { assetUrls, metadata }: MeshContext) {
  const { baseUrl } = assetUrls;
  const known = beginnings.get(manifest);
  const beginning = known?.baseUrl === baseUrl ? known.text : await beginningOf(manifest, assetUrls);
  return `${beginning},"cache":${JSON.stringify(cache)},"metadata":${JSON.stringify(metadata)}}`;
}

async function beginningOf(manifest: MeshManifest, assetUrls: AssetUrls): Promise<string> {
  const text = JSON.stringify(await finished(manifest, assetUrls)).slice(0, -1);
  // The URLs of a private mesh expire.
  if (manifest.owner === undefined) beginnings.set(manifest, { baseUrl: assetUrls.baseUrl, text });
  return text;
}

/** A listed mesh that expired, was evicted or purged, or failed some time ago: shown, so that the pages add up. */
export function goneObject(listed: ListedMesh): MeshObject {
  return {
    ...unfinished(listed, { status: 'failed', progress: 0, stage: null }),
    cache: missOutcome('miss', null),
    error: { code: 'mesh_not_found', message: 'This mesh is not stored any more; ask for it again.' },
    metadata: listed.metadata,
  };
}

async function finished(manifest: MeshManifest, assetUrls: AssetUrls): Promise<Omit<MeshObject, 'cache' | 'metadata'>> {
  const { asset, thumbnail, source } = manifest;
  return {
    id: meshId(manifest.key),
    object: 'mesh',
    status: 'completed',
    progress: 1,
    stage: null,
    created_at: manifest.createdAtSeconds,
    completed_at: manifest.completedAtSeconds,
    expires_at: manifest.expiresAtSeconds,
    model: manifest.model,
    output_format: manifest.outputFormat,
    asset: {
      url: await assetUrl(manifest, asset, assetUrls),
      sha256: asset.sha256,
      bytes: asset.bytes,
      media_type: asset.mediaType,
      vertices: asset.vertices,
      faces: asset.faces,
      bounds: asset.bounds,
      watertight: asset.watertight,
    },
    thumbnail_url: thumbnail && (await assetUrl(manifest, thumbnail, assetUrls)),
    source: source ? { prompt: true, model: source.model, image_sha256: source.imageSha256 } : null,
    provider: manifest.provider,
    degraded: manifest.degraded,
    timings_ms: manifest.timingsMs,
    error: null,
  };
}

/** Nothing of a mesh is known before it is made but what was asked for. */
function unfinished(
  asked: Pick<ListedMesh, 'key' | 'createdAtSeconds' | 'model' | 'outputFormat'>,
  { status, progress, stage }: Pick<MeshObject, 'status' | 'progress' | 'stage'>,
) {
  return {
    id: meshId(asked.key),
    object: 'mesh',
    status,
    progress,
    stage,
    created_at: asked.createdAtSeconds,
    completed_at: null,
    expires_at: null,
    model: asked.model,
    output_format: asked.outputFormat,
    asset: null,
    thumbnail_url: null,
    source: null,
    provider: null,
    degraded: false,
    timings_ms: null,
  } as const;
}
