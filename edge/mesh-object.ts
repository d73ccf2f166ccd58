import { meshId } from '../contract/key.ts';
import type { CacheOutcome, MeshManifest, MeshObject } from '../contract/mesh.ts';
import type { FlightView } from './objects/flight-record.ts';

/** A flight that is known and not completed. */
export type OpenFlight = Exclude<FlightView, { is: 'gone' } | { is: 'completed' }>;

export type MeshContext = {
  /** Scheme and host that clients reach this edge at. */
  baseUrl: string;
  cache: CacheOutcome;
  metadata: Record<string, string>;
};

/** The mesh object of a finished mesh. */
export function completedMesh(manifest: MeshManifest, { baseUrl, cache, metadata }: MeshContext): MeshObject {
  const { asset, thumbnail } = manifest;
  return {
    id: meshId(manifest.key),
    object: 'mesh',
    status: 'completed',
    progress: 1,
    created_at: manifest.createdAtSeconds,
    completed_at: manifest.completedAtSeconds,
    expires_at: manifest.expiresAtSeconds,
    model: manifest.model,
    output_format: manifest.outputFormat,
    asset: {
      url: assetUrl(baseUrl, asset),
      sha256: asset.sha256,
      bytes: asset.bytes,
      media_type: asset.mediaType,
      vertices: asset.vertices,
      faces: asset.faces,
      bounds: asset.bounds,
      watertight: asset.watertight,
    },
    thumbnail_url: thumbnail && assetUrl(baseUrl, thumbnail),
    provider: manifest.provider,
    degraded: manifest.degraded,
    timings_ms: manifest.timingsMs,
    cache,
    error: null,
    metadata,
  };
}

/** The mesh object of a flight: nothing in it is known before the mesh is made but what was asked for. */
export function flyingMesh(key: string, flight: OpenFlight, { cache, metadata }: MeshContext): MeshObject {
  const open = flight.is === 'queued' || flight.is === 'in_progress';
  return {
    id: meshId(key),
    object: 'mesh',
    status: flight.is,
    progress: open ? flight.progress : 0,
    created_at: flight.createdAtSeconds,
    completed_at: null,
    expires_at: null,
    model: flight.model,
    output_format: flight.outputFormat,
    asset: null,
    thumbnail_url: null,
    provider: null,
    degraded: false,
    timings_ms: null,
    cache,
    error: flight.is === 'failed' ? { code: flight.failure.code, message: flight.failure.message } : null,
    metadata,
  };
}

/** What the cache did for a request that a tier answered. */
export function hitOutcome(
  found: { manifest: MeshManifest; tier: 'memory' | 'kv' | 'r2' },
  savedGpuMs: number,
): CacheOutcome {
  const ageSeconds = Math.max(0, Math.floor(Date.now() / 1000) - found.manifest.completedAtSeconds);
  return {
    status: 'hit',
    tier: found.tier,
    age_s: ageSeconds,
    saved_gpu_ms: savedGpuMs,
    reused: found.manifest.reused,
  };
}

/** What the cache did for a request that started or joined a flight. */
export function missOutcome(status: 'miss' | 'joined', manifest: MeshManifest | null): CacheOutcome {
  return { status, tier: null, age_s: 0, saved_gpu_ms: 0, reused: manifest?.reused ?? null };
}

function assetUrl(baseUrl: string, blob: { sha256: string; extension: string }): string {
  return `${baseUrl}/assets/${blob.sha256}.${blob.extension}`;
}
