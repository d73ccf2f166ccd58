import { z } from 'zod';
import type { MeshParams } from '../../contract/key.ts';
import type { Family, FamilyInput, FamilyJob, MadeGeometry, Needs } from './family.ts';
import { httpMesh } from './http-mesh.ts';
import { matting } from './matting.ts';
import { triplaneField } from './triplane-field.ts';
import { twoSidedDepth } from './two-sided-depth.ts';

/** `models/<name>/<version>/manifest.json`: all that an origin must know to serve a model. */
export const ModelManifest = z.discriminatedUnion('family', [
  twoSidedDepth.manifest,
  triplaneField.manifest,
  httpMesh.manifest,
  matting.manifest,
]);
export type ModelManifest = z.infer<typeof ModelManifest>;

/** The families of models, by the name in their manifests: one row for each. */
const families: { [Name in ModelManifest['family']]: Family<Extract<ModelManifest, { family: Name }>> } = {
  'two-sided-depth': twoSidedDepth,
  'triplane-field': triplaneField,
  'http-mesh': httpMesh,
  matting,
};

/** What a job of a model needs of what all jobs share. */
export function needsOf(manifest: ModelManifest, params: MeshParams): Needs {
  return familyOf(manifest).needs(params, manifest);
}

/** Makes the surface of a picture as the model's family does. */
export function makeSurface(job: FamilyJob<ModelManifest>, input: FamilyInput): Promise<MadeGeometry> {
  const { makeSurface: make } = familyOf(job.model.manifest);
  if (make === null) throw new Error(`a mesh was asked of ${job.model.id}, which makes none; this is a bug`);
  return make(job, input);
}

/** The row of a manifest. The table pairs each name with its manifest, which a look-up by name cannot tell TypeScript. */
function familyOf<Manifest extends ModelManifest>(manifest: Manifest): Family<Manifest> {
  return families[manifest.family] as unknown as Family<Manifest>;
}
