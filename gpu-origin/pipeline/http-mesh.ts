import { modelId, type EnterStage, type MadeGeometry, type MeshJob } from './job.ts';
import type { PictureToCut } from './kernels.ts';
import type { Picture } from './picture.ts';

/**
 * Has a server that one already runs make the mesh of a picture, and takes it apart to go on as any other surface.
 * `cut` null leaves the background to the server. Throws what `askServer` throws, and `upstream_failed` for an answer that
 * is no mesh.
 */
export async function geometryFromServer(
  { model, askServer, kernels, params, signal }: MeshJob,
  input: { picture: Picture; cut: Omit<PictureToCut, 'picture'> | null },
  enter: EnterStage,
): Promise<MadeGeometry> {
  const picture = await kernels.run('serverPicture', input, signal);
  if (askServer === undefined) throw new Error(`nothing asks the server of ${modelId(model)}`);
  enter('infer');
  const { glb, ms } = await askServer({ model: { id: modelId(model), digest: model.digest }, picture, params, signal });
  enter('surface');
  const surface = await kernels.run('readGlb', glb, signal);
  // The server alone knows what of its time was the GPU's.
  return {
    geometry: { surface, canvas: null, cameraDistance: null },
    provider: 'http',
    degraded: false,
    gpuMs: ms,
  };
}
