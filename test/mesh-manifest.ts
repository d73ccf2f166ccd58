import { sha256 } from '../contract/digest.ts';
import type { Job } from '../contract/job.ts';
import type { MeshManifest } from '../contract/mesh.ts';

/** A manifest as an origin would send it; `key` is one hexadecimal digit, repeated. */
export function meshManifest(digit: string, changes: Partial<MeshManifest> = {}): MeshManifest {
  return {
    key: digit.repeat(64),
    model: 'bisque@1',
    modelDigest: 'a'.repeat(64),
    imageSha256: 'b'.repeat(64),
    outputFormat: 'glb',
    createdAtSeconds: 1_795_000_000,
    completedAtSeconds: 1_795_000_001,
    expiresAtSeconds: null,
    asset: {
      sha256: 'c'.repeat(64),
      bytes: 1000,
      mediaType: 'model/gltf-binary',
      extension: 'glb',
      vertices: 8,
      faces: 12,
      bounds: [
        [-0.05, -0.05, -0.05],
        [0.05, 0.05, 0.05],
      ],
      watertight: true,
    },
    thumbnail: null,
    provider: 'cpu',
    degraded: false,
    timingsMs: { queue: 1, decode: 2, matte: 3, infer: 4, surface: 5, texture: 6, encode: 7, total: 28 },
    gpuMs: 4,
    reused: null,
    ...changes,
  };
}

/** The manifest that an origin sends of a job whose mesh is of these bytes. */
export async function manifestOf(
  job: Job,
  bytes: Uint8Array<ArrayBuffer>,
  changes: Partial<MeshManifest> = {},
): Promise<MeshManifest> {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const any = meshManifest('0');
  return {
    ...any,
    key: job.key,
    model: job.model.id,
    modelDigest: job.model.digest,
    imageSha256: job.imageSha256,
    outputFormat: job.params.output_format,
    createdAtSeconds: nowSeconds,
    completedAtSeconds: nowSeconds,
    expiresAtSeconds: job.expiresInSeconds === null ? null : nowSeconds + job.expiresInSeconds,
    asset: { ...any.asset, sha256: await sha256(bytes), bytes: bytes.byteLength },
    ...changes,
  };
}
