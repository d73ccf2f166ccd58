import { writeModel } from '../../test/gpu-origin/support/models.ts';
import type { OnnxConstant, OnnxGraph } from '../../test/gpu-origin/support/onnx.ts';

const size = 64;
const channels = 64;
const resolution = 32;

/**
 * Writes a model of the triplane-field family whose encoder is `layers` convolutions of 64 channels at 64² (some 10 ms
 * each on one core) and whose field is a ball on 32³ points, the same for every picture: inference as heavy as wanted,
 * with as little geometry as a closed mesh needs. An `empty` field has no ball, so that its jobs end as
 * `unprocessable_image` after inference. Gives what a job calls it.
 */
export function writeFieldModel(
  folder: string,
  { layers, batch = 1, empty = false }: { layers: number; batch?: number; empty?: boolean },
) {
  return writeModel(
    folder,
    { encoder: encoder(layers), decoder },
    {
      name: `ball-${layers}`,
      family: 'triplane-field',
      preprocessing: { size, channels: ['red', 'green', 'blue'], background: 0.5 },
      field: { threshold: empty ? 1e9 : 25, radius: 0.87, pointsPerRun: resolution ** 3 },
      defaults: { mc_resolution: resolution },
      batch: { maximum: batch },
    },
  );
}

function encoder(layers: number): OnnxGraph {
  const conv = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
  return {
    inputs: { image: { shape: ['N', 3, size, size] } },
    outputs: { scene_codes: { shape: ['N', 1, 1, 1] } },
    constants: {
      w0: filled([channels, 3, 3, 3], 1 / 27),
      // The mean of what is around: values neither grow nor become denormal, layer after layer.
      w: filled([channels, channels, 3, 3], 1 / (9 * channels)),
    },
    nodes: [
      { op: 'Conv', inputs: ['image', 'w0'], outputs: ['h0'], attributes: conv },
      ...Array.from({ length: layers }, (_, i) => ({
        op: 'Conv',
        inputs: [`h${i}`, 'w'],
        outputs: [`h${i + 1}`],
        attributes: conv,
      })),
      {
        op: 'ReduceMean',
        inputs: [`h${layers}`],
        outputs: ['scene_codes'],
        attributes: { axes: [1, 2, 3], keepdims: 1 },
      },
    ],
  };
}

/** Density falls by 1000 a unit from 25 at radius 0.6; the scene's code is taken in, and weighs next to nothing. */
const decoder: OnnxGraph = {
  inputs: { scene_codes: { shape: [1, 1, 1, 1] }, points: { shape: [1, 'P', 3] } },
  outputs: { density: { shape: [1, 'P', 1] }, color: { shape: [1, 'P', 3] } },
  constants: {
    slope: filled([1], -1000),
    offset: filled([1], 625),
    little: filled([1], 1e-6),
    flat: { dims: [3], data: [1, 1, 1] },
  },
  nodes: [
    { op: 'ReduceL2', inputs: ['points'], outputs: ['length'], attributes: { axes: [2], keepdims: 1 } },
    { op: 'Mul', inputs: ['length', 'slope'], outputs: ['falling'] },
    { op: 'Add', inputs: ['falling', 'offset'], outputs: ['ball'] },
    { op: 'Reshape', inputs: ['scene_codes', 'flat'], outputs: ['code'] },
    { op: 'Mul', inputs: ['code', 'little'], outputs: ['weighed'] },
    { op: 'Add', inputs: ['ball', 'weighed'], outputs: ['density'] },
    { op: 'Sigmoid', inputs: ['points'], outputs: ['color'] },
  ],
};

function filled(dims: number[], value: number): OnnxConstant {
  return { dims, data: new Float32Array(dims.reduce((product, side) => product * side, 1)).fill(value) };
}
