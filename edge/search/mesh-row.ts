import type { MeshManifest } from '../../contract/mesh.ts';
import { blobsOf } from '../store/index-entries.ts';
import type { Surfaces } from '../store/surfaces.ts';

/** What a mesh's manifest says of it in the index, with the names of the columns. */
export type MeshRow = {
  key: string;
  model: string;
  output_format: string;
  image_sha256: string;
  asset_sha256: string;
  /** Bytes of its blobs; those that another mesh has too are counted for both. */
  bytes: number;
  geometry_key: string | null;
  /** Bytes of its surface, 0 when none is kept. */
  geometry_bytes: number;
  gpu_ms: number;
  created_at: number;
  expires_at: number | null;
  scope: 'shared' | 'private';
};

/** The columns of a row, in the order in which they are written. */
export const rowColumns = [
  'key',
  'model',
  'output_format',
  'image_sha256',
  'asset_sha256',
  'bytes',
  'geometry_key',
  'geometry_bytes',
  'gpu_ms',
  'created_at',
  'expires_at',
  'scope',
] as const satisfies readonly (keyof MeshRow)[];

/** The row of a manifest; the size of its surface is asked of R2. */
export async function rowOf(manifest: MeshManifest, surfaces: Surfaces): Promise<MeshRow> {
  const { geometryKey, owner } = manifest;
  const surfaceBytes = geometryKey === undefined ? null : await surfaces.bytesOf(geometryKey);
  return {
    key: manifest.key,
    model: manifest.model,
    output_format: manifest.outputFormat,
    image_sha256: manifest.imageSha256,
    asset_sha256: manifest.asset.sha256,
    bytes: blobsOf(manifest).reduce((sum, blob) => sum + blob.bytes, 0),
    geometry_key: geometryKey ?? null,
    geometry_bytes: surfaceBytes ?? 0,
    gpu_ms: manifest.gpuMs,
    created_at: manifest.createdAtSeconds,
    expires_at: manifest.expiresAtSeconds,
    scope: owner === undefined ? 'shared' : 'private',
  };
}

/** What a use of this mesh is weighed by: the surface counts for the mesh whose GPU run made it. */
export function costOf({ bytes, geometry_bytes, gpu_ms }: Pick<MeshRow, 'bytes' | 'geometry_bytes' | 'gpu_ms'>) {
  return { bytes: bytes + (gpu_ms > 0 ? geometry_bytes : 0), gpuMs: gpu_ms };
}
