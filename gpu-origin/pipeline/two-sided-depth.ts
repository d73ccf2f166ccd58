import type { MadeGeometry, EnterStage, GraphJob } from './job.ts';
import { modelId } from './job.ts';
import type { Picture } from './picture.ts';
import { output, type Tensor } from './tensor.ts';

/** Runs a two-sided-depth model: graph `depth`, input `image`, outputs `front` and `back` [1,1,S,S] in canvas units. */
export async function geometryFromDepth(
  { model, infer, kernels, signal }: GraphJob,
  { canvas, tensor }: { canvas: Picture; tensor: Tensor },
  enter: EnterStage,
): Promise<MadeGeometry> {
  enter('infer');
  const run = await infer({ model: modelId(model), graph: 'depth', inputs: { image: tensor }, signal });
  const { preprocessing, camera } = model.manifest;
  const { size } = preprocessing;
  const front = output(run.outputs, 'front', [1, 1, size, size]);
  const back = output(run.outputs, 'back', [1, 1, size, size]);
  enter('surface');
  const cameraDistance = camera?.distance ?? null;
  const surface = await kernels.run('surfaceFromSheets', { canvas, front, back, size, cameraDistance }, signal);
  const { provider, degraded, gpuMs } = run;
  return { geometry: { surface, canvas, cameraDistance }, provider, degraded, gpuMs };
}
