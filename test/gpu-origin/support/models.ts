import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '../../../gpu-origin/digest.ts';
import type { OnnxProvider } from '../../../contract/mesh.ts';
import type { ModelManifest } from '../../../gpu-origin/families/families.ts';
import type { GraphManifest } from '../../../gpu-origin/families/manifest.ts';
import { onnxBytes, type OnnxConstant, type OnnxGraph } from './onnx.ts';

/** What a test's manifest says beyond the usual; the fields of any family of graphs. */
type ManifestChange = Partial<GraphManifest> &
  Partial<Pick<Extract<ModelManifest, { family: 'triplane-field' }>, 'field'>> &
  Partial<Pick<Extract<ModelManifest, { family: 'two-sided-depth' }>, 'camera'>> & {
    family?: Extract<ModelManifest, { graphs: unknown }>['family'];
  };

/** Writes `<root>/<name>/<version>/` with its manifest and one .onnx for each graph; gives what a job calls it. */
export async function writeModel(
  root: string,
  graphs: Record<string, OnnxGraph>,
  change: ManifestChange = {},
  extraFiles: Record<string, Uint8Array> = {},
) {
  const name = change.name ?? 'small';
  const version = change.version ?? '1';
  const folder = join(root, name, version);
  const files: Record<string, Uint8Array> = { ...extraFiles };
  for (const [graph, content] of Object.entries(graphs)) files[`${graph}.onnx`] = onnxBytes(content);
  const manifest = {
    name,
    version,
    family: 'two-sided-depth' as const,
    title: 'A test model',
    description: 'Made by a test.',
    licence: 'MIT',
    files: Object.fromEntries(
      Object.entries(files).map(([file, bytes]) => [file, { sha256: digestOf(bytes), bytes: bytes.length }]),
    ),
    graphs: Object.fromEntries(
      Object.entries(graphs).map(([graph, { inputs, outputs }]) => [
        graph,
        { file: `${graph}.onnx`, inputs: shapes(inputs), outputs: shapes(outputs) },
      ]),
    ),
    preprocessing: { size: 64, channels: ['red', 'green', 'blue', 'alpha', 'inflation'], premultiplied: true },
    batch: { maximum: 8 },
    defaults: {},
    uses: [],
    warm_up: { batches: [1] },
    ...change,
  } satisfies GraphManifest & ManifestChange;
  await mkdir(folder, { recursive: true });
  for (const [file, bytes] of Object.entries(files)) await writeFile(join(folder, file), bytes);
  const text = JSON.stringify(manifest, null, 2);
  await writeFile(join(folder, 'manifest.json'), text);
  return { id: `${name}@${version}`, digest: digestOf(Buffer.from(text)), folder, manifest };
}

function shapes(values: OnnxGraph['inputs']): GraphManifest['graphs'][string]['inputs'] {
  return Object.fromEntries(
    Object.entries(values).map(([name, { type, shape }]) => [name, { type: type ?? 'float32', shape }]),
  );
}

/** y = x + x for x of [N, 4]: a run of microseconds. */
export const doubling: OnnxGraph = {
  inputs: { x: { shape: ['N', 4] } },
  outputs: { y: { shape: ['N', 4] } },
  nodes: [{ op: 'Add', inputs: ['x', 'x'], outputs: ['y'] }],
};

/**
 * A model of y = x × x in float32, with a float16 file of it for some providers that may be off by a tolerance of its own;
 * for x = 1/3 that file is off by 4e-4.
 */
export function writeSquaring(
  root: string,
  { providers, tolerance }: { providers: OnnxProvider[]; tolerance: number },
  change: ManifestChange = {},
) {
  const square = (type: 'float32' | 'float16'): OnnxGraph => ({
    inputs: { x: { type, shape: ['N', 1] } },
    outputs: { y: { type, shape: ['N', 1] } },
    nodes: [{ op: 'Mul', inputs: ['x', 'x'], outputs: ['y'] }],
  });
  const { inputs, outputs } = square('float32');
  const floats = (value: number) => new Uint8Array(Float32Array.of(value).buffer);
  const file = 'square.fp16.onnx';
  const variants = [{ providers, file, type: 'float16' as const, relative_tolerance: tolerance }];
  return writeModel(
    root,
    { square: square('float32') },
    {
      graphs: { square: { file: 'square.onnx', inputs: shapes(inputs), outputs: shapes(outputs), variants } },
      golden: { inputs: { x: 'x.f32' }, outputs: { y: 'y.f32' }, relative_tolerance: 1e-6 },
      ...change,
    },
    { [file]: onnxBytes(square('float16')), 'x.f32': floats(1 / 3), 'y.f32': floats((1 / 3) ** 2) },
  );
}

/**
 * The sheets of Poisson inflation itself, in the shape of the default model, after `layers` convolutions of 64 channels
 * at 64² whose result hardly counts: some 10 ms each on one core.
 */
export function heavyInflation(layers: number): OnnxGraph {
  const channels = 64;
  const conv = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
  const hidden = Array.from({ length: layers }, (_, i) => ({
    op: 'Conv',
    inputs: [`h${i}`, 'w'],
    outputs: [`h${i + 1}`],
    attributes: conv,
  }));
  return {
    inputs: { image: { shape: ['N', 5, 64, 64] } },
    outputs: { front: { shape: ['N', 1, 64, 64] }, back: { shape: ['N', 1, 64, 64] } },
    constants: {
      w0: filled([channels, 5, 3, 3], 1 / 45),
      // The mean of what is around: values neither grow nor become denormal, layer after layer.
      w: filled([channels, channels, 3, 3], 1 / (9 * channels)),
      tiny: filled([1], 1e-9),
      starts: { dims: [1], data: [4] },
      ends: { dims: [1], data: [5] },
      axes: { dims: [1], data: [1] },
    },
    nodes: [
      { op: 'Slice', inputs: ['image', 'starts', 'ends', 'axes'], outputs: ['inflation'] },
      { op: 'Conv', inputs: ['image', 'w0'], outputs: ['h0'], attributes: conv },
      ...hidden,
      { op: 'ReduceMean', inputs: [`h${layers}`], outputs: ['mean'], attributes: { axes: [1, 2, 3], keepdims: 1 } },
      { op: 'Mul', inputs: ['mean', 'tiny'], outputs: ['little'] },
      { op: 'Add', inputs: ['inflation', 'little'], outputs: ['front'] },
      { op: 'Neg', inputs: ['front'], outputs: ['back'] },
    ],
  };
}

function filled(dims: number[], value: number): OnnxConstant {
  return { dims, data: new Float32Array(dims.reduce((product, size) => product * size, 1)).fill(value) };
}
