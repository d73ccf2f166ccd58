import type { MeshObject } from '../../contract/mesh.ts';
import type { ModelAnswer } from '../../contract/answers.ts';
import { documentUrl } from './samples.ts';

const exampleKey = '5b1f6a9d0c2e4f8873a1b5d6e7f809124c3d5e6f708192a3b4c5d6e7f8091a2b';

/** Digest of the bytes that the examples are about. */
export const exampleAssetSha256 = '8178afd1f017a26a3c4d5e6f708192a3b4c5d6e7f8091a2b5b1f6a9d0c2e4f88';

/** Id of the mesh that the examples are about. */
export const exampleMeshId = `mesh_${exampleKey}`;

/** A finished mesh, as the README's demo made it. */
export const exampleMesh: MeshObject = {
  id: exampleMeshId,
  object: 'mesh',
  status: 'completed',
  progress: 1,
  stage: null,
  created_at: 1_795_000_000,
  completed_at: 1_795_000_001,
  expires_at: null,
  model: 'bisque@1',
  output_format: 'glb',
  asset: {
    url: `${documentUrl}/assets/${exampleAssetSha256}.glb`,
    sha256: exampleAssetSha256,
    bytes: 685_376,
    media_type: 'model/gltf-binary',
    vertices: 13_621,
    faces: 27_238,
    bounds: [
      [-0.0392, -0.05, -0.0273],
      [0.0392, 0.05, 0.0268],
    ],
    watertight: true,
  },
  thumbnail_url: `${documentUrl}/v1/meshes/${exampleMeshId}/thumbnail`,
  source: null,
  provider: 'cpu',
  degraded: false,
  timings_ms: { queue: 19, decode: 41, matte: 126, infer: 16, surface: 448, texture: 221, encode: 216, total: 1089 },
  cache: { status: 'miss', tier: null, age_s: 0, saved_gpu_ms: 0, reused: null },
  error: null,
  metadata: {},
};

/** The same mesh a moment after it was asked for. */
export const exampleQueuedMesh: MeshObject = {
  ...exampleMesh,
  status: 'queued',
  progress: 0,
  stage: 'queue',
  completed_at: null,
  asset: null,
  thumbnail_url: null,
  provider: null,
  timings_ms: null,
};

export const exampleModel: ModelAnswer = {
  id: 'bisque@1',
  object: 'model',
  created: 1_794_000_000,
  owned_by: 'meshkiln',
  family: 'two-sided-depth',
  title: 'Bisque',
  description: 'Front and back depth of one picture of an object.',
  licence: 'MIT',
  capabilities: { uses: [], defaults: {}, prompts: false },
};
