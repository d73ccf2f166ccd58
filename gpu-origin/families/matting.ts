import { z } from 'zod';
import { output, type Tensor } from '../pipeline/tensor.ts';
import type { Picture } from '../pipeline/picture.ts';
import { devicesOnly, type Family, type FamilyJob } from './family.ts';
import { graphFields, requireGolden } from './manifest.ts';

const Manifest = z.strictObject({ ...graphFields, family: z.literal('matting') }).superRefine(requireGolden);
export type MattingManifest = z.infer<typeof Manifest>;

/** Graph `matte`: `image` to `alpha` [1,1,S,S]. It cuts objects out for other models and makes no meshes. */
export const matting = {
  manifest: Manifest,
  needs: () => devicesOnly,
  makeSurface: null,
} satisfies Family<MattingManifest>;

/** What a matting model may give: 0 to 1, and what half precision and filters add to it. */
const alphaRange = [-0.1, 1.1] as const;

/** Runs a matting model on a whole picture. */
export async function predictMatte(
  { model, infer, kernels, signal }: Pick<FamilyJob<MattingManifest>, 'model' | 'infer' | 'kernels' | 'signal'>,
  picture: Picture,
): Promise<{ alpha: Tensor; gpuMs: number; degraded: boolean }> {
  const { size } = model.manifest.preprocessing;
  const image = await kernels.run('mattingTensor', { picture, size }, signal);
  const { outputs, gpuMs, degraded } = await infer({ model, graph: 'matte', inputs: { image }, signal });
  const dims = [1, 1, size, size];
  const data = output(outputs, { model: model.id, name: 'alpha', dims, range: alphaRange });
  return { alpha: { data, dims }, gpuMs, degraded };
}
