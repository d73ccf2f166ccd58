import { z } from 'zod';
import { matteSource } from '../pipeline/matte.ts';
import type { Family, FamilyInput, FamilyJob, MadeGeometry } from './family.ts';
import { commonFields } from './manifest.ts';
import { MeshServerTemplate } from './mesh-server-template.ts';

const Manifest = z.strictObject({ ...commonFields, family: z.literal('http-mesh'), server: MeshServerTemplate });
export type ServerManifest = z.infer<typeof Manifest>;

/** A model behind an HTTP server, which takes a picture and answers with a mesh. */
export const httpMesh = {
  manifest: Manifest,
  needs: () => ({ outside: true, fieldBytes: 0 }),
  makeSurface,
} satisfies Family<ServerManifest>;

/** Throws what `askServer` throws, and `upstream_failed` for an answer that is no mesh. */
async function makeSurface(
  { model, params, askServer, kernels, enter, signal }: FamilyJob<ServerManifest>,
  { picture, findObject }: FamilyInput,
): Promise<MadeGeometry> {
  const { removes_background } = model.manifest.server;
  const sendsWhole = removes_background && matteSource(picture, params.remove_background) === 'model';
  const cut = sendsWhole ? null : await findObject();
  const sent = await kernels.run('serverPicture', { picture, cut }, signal);
  if (askServer === undefined) throw new Error(`nothing asks the server of ${model.id}; this is a bug`);
  enter('infer');
  const { glb, ms } = await askServer({ model, picture: sent, params, signal });
  enter('surface');
  const surface = await kernels.run('readGlb', glb, signal);
  // Only the server knows how much of its time was the GPU's.
  return {
    geometry: { surface, canvas: null, cameraDistance: null },
    provider: 'http',
    degraded: false,
    gpuMs: ms,
  };
}
