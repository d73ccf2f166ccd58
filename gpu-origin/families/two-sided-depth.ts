import { z } from 'zod';
import { output } from '../pipeline/tensor.ts';
import { devicesOnly, type Family, type FamilyInput, type FamilyJob, type MadeGeometry } from './family.ts';
import { graphFields, requireGolden } from './manifest.ts';

const Manifest = z
  .strictObject({
    ...graphFields,
    family: z.literal('two-sided-depth'),
    /** Distance of the pinhole camera that the model was trained with, in half canvas widths; null is orthographic. */
    camera: z.strictObject({ distance: z.number().positive().nullable() }).optional(),
  })
  .superRefine(requireGolden);
type Manifest = z.infer<typeof Manifest>;

/** Heights in canvas units that a body on the canvas, which is 2 wide, can have: it is at most twice as deep as wide. */
const heightRange = [-2, 2] as const;

/** Graph `depth`: `image` to `front` and `back` [1,1,S,S], the heights of both sides of the object in canvas units. */
export const twoSidedDepth = { manifest: Manifest, needs: () => devicesOnly, makeSurface } satisfies Family<Manifest>;

async function makeSurface(
  { model, infer, kernels, enter, signal }: FamilyJob<Manifest>,
  { picture, findObject }: FamilyInput,
): Promise<MadeGeometry> {
  const { preprocessing, camera } = model.manifest;
  const { canvas, tensor } = await kernels.run('prepare', { picture, ...(await findObject()), preprocessing }, signal);
  enter('infer');
  const run = await infer({ model, graph: 'depth', inputs: { image: tensor }, signal });
  const { size } = preprocessing;
  const height = { model: model.id, dims: [1, 1, size, size], range: heightRange };
  const front = output(run.outputs, { ...height, name: 'front' });
  const back = output(run.outputs, { ...height, name: 'back' });
  enter('surface');
  const cameraDistance = camera?.distance ?? null;
  const surface = await kernels.run('surfaceFromSheets', { canvas, front, back, size, cameraDistance }, signal);
  const { provider, degraded, gpuMs } = run;
  return { geometry: { surface, canvas, cameraDistance }, provider, degraded, gpuMs };
}
