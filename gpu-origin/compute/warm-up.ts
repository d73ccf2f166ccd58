import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GraphManifest } from '../families/manifest.ts';
import type { Tensor } from '../pipeline/tensor.ts';
import type { ModelFiles } from './lane-protocol.ts';
import { runGraph, type LoadedModel } from './session.ts';

type Shape = readonly (number | string)[];

/** Runs every graph on zeros at each warm-up batch, so that no request pays for a first run. */
export async function warmUp(model: LoadedModel): Promise<void> {
  const { manifest } = model;
  for (const [name, graph] of Object.entries(manifest.graphs)) {
    for (const batch of manifest.warm_up.batches) {
      const inputs: Record<string, Tensor> = {};
      for (const [input, { shape }] of Object.entries(graph.inputs)) inputs[input] = zeros(shape, batch, manifest);
      await runGraph(model, name, inputs);
    }
  }
}

/**
 * Compares what the golden input gives with what is known, and gives the largest relative error of an output; null where
 * the manifest has no golden output. Throws when an output is further off than the manifest's tolerance.
 */
export async function checkGolden(model: LoadedModel, { folder }: ModelFiles): Promise<number | null> {
  const { golden } = model.manifest;
  if (golden === undefined) return null;
  const made = await goldenOutputs(model, folder);
  let most = 0;
  for (const [output, file] of Object.entries(golden.outputs)) {
    const error = relativeError(made[output] ?? new Float32Array(), await readFloats(join(folder, file)));
    if (!(error <= golden.relative_tolerance)) {
      const bound = `more than ${golden.relative_tolerance}`;
      throw new Error(`golden output "${output}" is off by ${error.toPrecision(3)}, ${bound}`);
    }
    most = Math.max(most, error);
  }
  return most;
}

/**
 * The named golden outputs as this model makes them: the golden input is run through the graphs that it feeds, in the
 * manifest's order, each graph's outputs feeding those after it.
 */
export async function goldenOutputs(model: LoadedModel, folder: string): Promise<Record<string, Float32Array>> {
  const { manifest } = model;
  const { golden } = manifest;
  if (golden === undefined) return {};
  const known: Record<string, Tensor> = {};
  for (const [input, file] of Object.entries(golden.inputs)) {
    const shape = Object.values(manifest.graphs).find((graph) => input in graph.inputs)?.inputs[input]?.shape;
    if (shape === undefined) throw new Error(`golden.inputs names "${input}", which no graph takes`);
    known[input] = shaped(await readFloats(join(folder, file)), shape, manifest, `golden.inputs.${input}`);
  }
  for (const [name, graph] of Object.entries(manifest.graphs)) {
    if (Object.keys(graph.inputs).every((input) => input in known)) {
      Object.assign(known, await runGraph(model, name, known));
    }
  }
  const outputs: Record<string, Float32Array> = {};
  for (const output of Object.keys(golden.outputs)) {
    const made = known[output];
    if (made === undefined) throw new Error(`golden.outputs names "${output}", which the golden inputs do not give`);
    outputs[output] = made.data;
  }
  return outputs;
}

/** Length of the difference over the length of what is known; NaN when the sizes differ. */
export function relativeError(made: Float32Array, known: Float32Array): number {
  if (made.length !== known.length) return NaN;
  let difference = 0;
  let length = 0;
  for (let i = 0; i < known.length; i += 1) {
    const value = known[i] ?? 0;
    difference += ((made[i] ?? NaN) - value) ** 2;
    length += value * value;
  }
  return Math.sqrt(difference / length);
}

function zeros(shape: Shape, batch: number, manifest: GraphManifest): Tensor {
  const dims = shape.map((size) => dimension(size, batch, manifest));
  return { data: new Float32Array(dims.reduce((product, size) => product * size, 1)), dims };
}

/** `N` is the batch and `P` the number of points; any other open dimension is a side of the picture. */
function dimension(size: number | string, batch: number, manifest: GraphManifest): number {
  if (typeof size === 'number') return size;
  if (size === 'N') return batch;
  return size === 'P' ? (manifest.field?.pointsPerRun ?? 1) : manifest.preprocessing.size;
}

/** Golden tensors are of batch 1; their point count follows from the file's length. */
function shaped(data: Float32Array, shape: Shape, manifest: GraphManifest, field: string): Tensor {
  const fixed = shape.map((size) => (size === 'P' ? 1 : dimension(size, 1, manifest)));
  const points = data.length / fixed.reduce((product, size) => product * size, 1);
  const dims = shape.map((size, i) => (size === 'P' ? points : (fixed[i] ?? 1)));
  if (dims.reduce((product, size) => product * size, 1) !== data.length || !Number.isInteger(points)) {
    throw new Error(`${field} holds ${data.length} numbers, which do not fill [${shape.join(', ')}]`);
  }
  return { data, dims };
}

async function readFloats(path: string): Promise<Float32Array> {
  const bytes = await readFile(path);
  return new Float32Array(new Uint8Array(bytes).buffer);
}
