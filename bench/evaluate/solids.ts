import { inflation } from '../../gpu-origin/mesh/inflation.ts';
import { alphaPlane } from '../../gpu-origin/pipeline/canvas.ts';
import { kernels as stages } from '../../gpu-origin/pipeline/kernels.ts';
import { output } from '../../gpu-origin/pipeline/tensor.ts';
import type { realModel } from '../../test/gpu-origin/pipeline/real-model.ts';
import { surfaceDistance, type SurfaceDistance } from './distance.ts';
import { heldOutKinds, heldOutShape, type HeldOutKind } from './held-out.ts';
import { photograph } from './picture-of.ts';

/** How near the model and the two baselines come to the truth. */
export type SolidResult = {
  kind: HeldOutKind;
  seed: number;
  model: SurfaceDistance;
  inflation: SurfaceDistance;
  extrusion: SurfaceDistance;
};

/** Of eight, the median is a matter of luck: it moved by 0.08 from one eight to another. */
const seedsPerKind = 40;
/** Half thickness of the flat extrusion, in canvas units. */
const extrusionHalf = 0.25;

/** Photographs the held-out solids and compares what is made of the pictures with them. */
export async function evaluateSolids({ model, infer }: Awaited<ReturnType<typeof realModel>>): Promise<SolidResult[]> {
  const { preprocessing, camera } = model.manifest;
  const { size } = preprocessing;
  const cameraDistance = camera?.distance ?? null;
  const results: SolidResult[] = [];
  for (const kind of heldOutKinds) {
    for (let seed = 0; seed < seedsPerKind; seed++) {
      const { positions, indices, picture } = photograph(heldOutShape(kind, seed));
      const { canvas, tensor } = stages.prepare({ picture, prediction: null, foregroundRatio: 0.85, preprocessing });
      const signal = new AbortController().signal;
      const { outputs } = await infer({
        model,
        graph: 'depth',
        inputs: { image: tensor },
        signal,
      });
      const distanceTo = async (front: Float32Array, back: Float32Array) =>
        surfaceDistance(await stages.surfaceFromSheets({ canvas, front, back, size, cameraDistance }), {
          positions,
          indices,
        });
      const body = inflation(alphaPlane(canvas, size, 'area'), size, 'contour');
      const flat = new Float32Array(size * size).fill(extrusionHalf);
      const dims = [1, 1, size, size];
      results.push({
        kind,
        seed,
        model: await distanceTo(
          output(outputs, { model: model.manifest.name, name: 'front', dims }),
          output(outputs, { model: model.manifest.name, name: 'back', dims }),
        ),
        inflation: await distanceTo(
          body,
          body.map((z) => -z),
        ),
        extrusion: await distanceTo(
          flat,
          flat.map((z) => -z),
        ),
      });
    }
  }
  return results;
}
