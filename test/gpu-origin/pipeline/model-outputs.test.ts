import { afterAll, beforeAll, expect, test } from 'vitest';
import sharp from 'sharp';
import { ModelManifest } from '../../../gpu-origin/families/families.ts';
import type { Infer } from '../../../gpu-origin/families/family.ts';
import { createKernelPool } from '../../../gpu-origin/pipeline/kernel-pool.ts';
import { encodePng } from '../../../gpu-origin/pipeline/formats/image.ts';
import { makeMesh, type MeshJob } from '../../../gpu-origin/making/make-mesh.ts';
import { defaultParams } from './default-params.ts';
import { discOf } from './disc-picture.ts';

const kernels = createKernelPool({ threads: 1 });
const never = new AbortController().signal;
// The thread has loaded its kernels before anything is timed.
beforeAll(() => kernels.run('mattingTensor', { picture: discOf(16, 16), size: 16 }, never));
afterAll(() => kernels.close());

const common = {
  version: '1',
  title: '',
  description: '',
  licence: 'MIT',
  files: {},
  graphs: {},
  defaults: {},
  uses: [],
};
const run = { batch: { maximum: 1 }, warm_up: { batches: [1] } };
const preprocessing = { size: 64, channels: ['red', 'green', 'blue', 'alpha', 'inflation'] };
const field = { threshold: 0.5, radius: 1, pointsPerRun: 4096 };
const modelOf = (manifest: { name: string; family: string } & Record<string, unknown>): MeshJob['model'] => ({
  id: `${manifest.name}@1`,
  digest: '0'.repeat(64),
  manifest: ModelManifest.parse({ ...common, ...run, preprocessing, ...manifest }),
});

const depth = modelOf({ name: 'depth', family: 'two-sided-depth' });
const matting = modelOf({
  name: 'matte',
  family: 'matting',
  preprocessing: { size: 64, channels: ['red', 'green', 'blue'] },
}) as NonNullable<MeshJob['matting']>;
const triplane = modelOf({ name: 'field', family: 'triplane-field', field });

/** Runs that give 0.5 everywhere but for one number of one output. */
function inferWith(bad: string, value: number): Infer {
  return ({ graph }) => {
    const tensor = (name: string, dims: number[]) => {
      const data = new Float32Array(dims.reduce((product, size) => product * size, 1)).fill(
        name === 'back' ? -0.5 : 0.5,
      );
      if (name === bad) data[data.length - 1] = value;
      return [name, { data, dims }] as const;
    };
    const plane = [1, 1, 64, 64];
    const points = field.pointsPerRun;
    const outputs: Record<string, (readonly [string, { data: Float32Array; dims: number[] }])[]> = {
      depth: [tensor('front', plane), tensor('back', plane)],
      matte: [tensor('alpha', plane)],
      encoder: [tensor('scene_codes', [1, 3, 4, 4])],
      decoder: [tensor('density', [1, points, 1]), tensor('color', [1, points, 3])],
    };
    const given = Object.fromEntries(outputs[graph] ?? []);
    return Promise.resolve({ outputs: given, gpuMs: 1, provider: 'cpu', degraded: false });
  };
}

test.each<[string, number, MeshJob['model'], string]>([
  ['front', NaN, depth, 'depth@1'],
  ['back', Infinity, depth, 'depth@1'],
  ['front', 1e30, depth, 'depth@1'],
  ['back', -2.5, depth, 'depth@1'],
  ['alpha', NaN, depth, 'matte@1'],
  ['alpha', 7, depth, 'matte@1'],
  ['scene_codes', NaN, triplane, 'field@1'],
  ['density', NaN, triplane, 'field@1'],
  ['density', -Infinity, triplane, 'field@1'],
])('%s of %d fails the job at once, names the model and is kept nowhere', async (output, value, model, name) => {
  const kept: string[] = [];
  const picture = discOf(64, 64);
  const onGrey = await sharp(await encodePng(picture, 'alpha'))
    .flatten({ background: '#888' })
    .png()
    .toBuffer();
  const since = performance.now();
  const making = makeMesh({
    image: output === 'alpha' ? new Uint8Array(onGrey) : await encodePng(picture, 'alpha'),
    params: { ...defaultParams, mc_resolution: 32 },
    scope: 'shared',
    model,
    matting,
    infer: inferWith(output, value),
    kernels,
    geometry: { get: () => Promise.resolve(null), put: async (key) => void kept.push(key) },
    onStage: () => undefined,
    signal: never,
  });
  await expect(making).rejects.toMatchObject({
    code: 'model_failed',
    model: name,
    param: null,
    message: expect.stringContaining(`The model ${name} gave no usable answer: its output "${output}" holds`) as string,
  });
  expect(kept).toEqual([]);
  expect(performance.now() - since).toBeLessThan(10_000);
});
