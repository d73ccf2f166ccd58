import { z } from 'zod';
import type { MeshParams } from '../../contract/key.ts';
import { Problem } from '../../contract/problem.ts';
import type { FieldPlan } from '../pipeline/field-surface.ts';
import { ModelFault } from '../pipeline/model-fault.ts';
import { output, type Tensor } from '../pipeline/tensor.ts';
import type { Family, FamilyInput, FamilyJob, MadeGeometry } from './family.ts';
import { graphFields, requireGolden } from './manifest.ts';

const Manifest = z
  .strictObject({
    ...graphFields,
    family: z.literal('triplane-field'),
    /** Inside where the density is above the threshold; points lie within ±radius. */
    field: z.strictObject({
      threshold: z.number(),
      radius: z.number().positive(),
      pointsPerRun: z.number().int().positive(),
    }),
  })
  .superRefine(requireGolden);
type Manifest = z.infer<typeof Manifest>;

/** Points along each side of the grid when neither the request nor the model says. */
const resolutionDefault = 192;

/** Bytes of one sample, and what the surface's work takes for each point of one side of the grid (1.2 to 2.4 kB seen). */
const sampleBytes = 4;
const faceBytes = 2048;

/**
 * Graph `encoder`: `image` to `scene_codes`. Graph `decoder`: `scene_codes` and `points` [1,P,3] to `density` [1,P,1] and
 * `color` [1,P,3] from 0 to 1. The field is sampled on a cubic grid in runs of P points, the colours at the vertices of the
 * surface. Throws `unprocessable_image` when the field has no inside.
 */
export const triplaneField = {
  manifest: Manifest,
  needs: (params, manifest) => ({ outside: false, fieldBytes: fieldBytes(resolutionOf(params, manifest)) }),
  makeSurface,
} satisfies Family<Manifest>;

async function makeSurface(job: FamilyJob<Manifest>, { picture, findObject }: FamilyInput): Promise<MadeGeometry> {
  const { model, kernels, params, enter, signal } = job;
  const { preprocessing, field } = model.manifest;
  const { tensor } = await kernels.run('prepare', { picture, ...(await findObject()), preprocessing }, signal);
  const plan: FieldPlan = { ...field, resolution: resolutionOf(params, model.manifest) };
  enter('infer');
  const decoder = await encodedScene(job, tensor, plan.pointsPerRun);
  const values = await sampleField(decoder, plan);
  enter('surface');
  const surface = await kernels.run('surfaceFromField', { values, plan }, signal);
  if (surface.indices.length === 0) {
    throw new Problem('unprocessable_image', 'The model saw no object in the picture.', { param: 'image' });
  }
  const colors = await vertexColours(decoder, surface.positions, plan.pointsPerRun);
  const { provider, degraded, gpuMs } = decoder.cost();
  return {
    geometry: { surface: { ...surface, colors }, canvas: null, cameraDistance: null },
    provider,
    degraded,
    gpuMs,
  };
}

/** Points along each side of the grid that a request's field is sampled on. */
function resolutionOf(params: MeshParams, { defaults }: Manifest): number {
  return params.mc_resolution ?? defaults.mc_resolution ?? resolutionDefault;
}

/** Memory in bytes that a field of this resolution and the work on its surface take at their peak: 1 GiB for 512. */
function fieldBytes(resolution: number): number {
  return sampleBytes * resolution ** 3 + faceBytes * resolution ** 2;
}

type Cost = Pick<MadeGeometry, 'provider' | 'degraded' | 'gpuMs'>;

type Decoder = {
  /** Density and colours at up to pointsPerRun points; the arrays hold as many as a whole run. */
  decode(points: Float32Array): Promise<{ density: Float32Array; color: Float32Array }>;
  /** What all runs so far have cost. */
  cost(): Cost;
};

async function encodedScene(
  { model, infer, signal }: FamilyJob<Manifest>,
  image: Tensor,
  pointsPerRun: number,
): Promise<Decoder> {
  const encoded = await infer({ model, graph: 'encoder', inputs: { image }, signal });
  const codes = encoded.outputs['scene_codes'];
  if (codes === undefined) throw new ModelFault(model.id, 'its graph has no output "scene_codes"');
  output(encoded.outputs, { model: model.id, name: 'scene_codes', dims: codes.dims });
  let { gpuMs, degraded } = encoded;
  return {
    decode: async (points) => {
      const whole = new Float32Array(pointsPerRun * 3); // a graph may be made for this number of points alone
      whole.set(points);
      const inputs = { scene_codes: codes, points: { data: whole, dims: [1, pointsPerRun, 3] } };
      const run = await infer({ model, graph: 'decoder', inputs, signal, oneOfMany: true });
      gpuMs += run.gpuMs;
      degraded ||= run.degraded;
      return {
        density: output(run.outputs, { model: model.id, name: 'density', dims: [1, pointsPerRun, 1] }),
        color: output(run.outputs, { model: model.id, name: 'color', dims: [1, pointsPerRun, 3] }),
      };
    },
    cost: () => ({ provider: encoded.provider, degraded, gpuMs }),
  };
}

/** Densities on resolution³ points within ±radius, x slowest; in shared memory, so that no thread copies them. */
async function sampleField(decoder: Decoder, { resolution, radius, pointsPerRun }: FieldPlan): Promise<Float32Array> {
  const count = resolution ** 3;
  const values = new Float32Array(new SharedArrayBuffer(4 * count));
  const at = (step: number) => radius * ((2 * step) / (resolution - 1) - 1);
  const points = new Float32Array(pointsPerRun * 3);
  for (let first = 0; first < count; first += pointsPerRun) {
    const some = Math.min(pointsPerRun, count - first);
    for (let k = 0; k < some; k++) {
      const i = first + k;
      points[3 * k] = at(Math.floor(i / resolution ** 2));
      points[3 * k + 1] = at(Math.floor(i / resolution) % resolution);
      points[3 * k + 2] = at(i % resolution);
    }
    const { density } = await decoder.decode(points);
    values.set(density.subarray(0, some), first);
  }
  return values;
}

/** Colours at the vertices of a surface that stands as glTF has it; see field-surface.ts for the axes. */
async function vertexColours(decoder: Decoder, positions: Float32Array, pointsPerRun: number): Promise<Uint8Array> {
  const colors = new Uint8Array(positions.length);
  const points = new Float32Array(positions.length);
  for (let i = 0; i < positions.length; i += 3) {
    points[i] = -(positions[i + 2] as number);
    points[i + 1] = -(positions[i] as number);
    points[i + 2] = positions[i + 1] as number;
  }
  const perRun = pointsPerRun * 3;
  for (let first = 0; first < points.length; first += perRun) {
    const part = points.subarray(first, first + perRun);
    const { color } = await decoder.decode(part);
    for (let k = 0; k < part.length; k++) {
      colors[first + k] = Math.round(255 * Math.min(Math.max(color[k] as number, 0), 1));
    }
  }
  return colors;
}
