import type { OnnxGraph } from './onnx.ts';

const scalar = (value: number) => ({ dims: [1], data: Float32Array.of(value) });

/**
 * Two graphs with TripoSR's tensors, for a grey-backed picture of 512² and points within ±0.87: a ball of radius 0.6 whose
 * density is 25 at its surface, in colours that follow the place.
 */
export const ballField: Record<'encoder' | 'decoder', OnnxGraph> = {
  encoder: {
    inputs: { image: { shape: [1, 3, 512, 512] } },
    outputs: { scene_codes: { shape: [1, 3, 40, 64, 64] } },
    constants: { shape: { dims: [5], data: [1, 3, 40, 64, 64] }, flat: { dims: [5], data: [1, 1, 1, 1, 1] } },
    nodes: [
      { op: 'ReduceMean', inputs: ['image'], outputs: ['mean'], attributes: { axes: [1, 2, 3], keepdims: 1 } },
      { op: 'Reshape', inputs: ['mean', 'flat'], outputs: ['mean5'] },
      { op: 'Expand', inputs: ['mean5', 'shape'], outputs: ['scene_codes'] },
    ],
  },
  decoder: {
    inputs: { scene_codes: { shape: [1, 3, 40, 64, 64] }, points: { shape: [1, 'P', 3] } },
    outputs: { density: { shape: [1, 'P', 1] }, color: { shape: [1, 'P', 3] } },
    constants: {
      radius: scalar(0.6),
      steepness: scalar(-100),
      threshold: scalar(25),
      little: scalar(1e-6),
      flat: { dims: [3], data: [1, 1, 1] },
    },
    nodes: [
      { op: 'ReduceL2', inputs: ['points'], outputs: ['length'], attributes: { axes: [2], keepdims: 1 } },
      { op: 'Sub', inputs: ['length', 'radius'], outputs: ['distance'] },
      { op: 'Mul', inputs: ['distance', 'steepness'], outputs: ['inside'] },
      { op: 'Add', inputs: ['inside', 'threshold'], outputs: ['bare'] },
      { op: 'ReduceMean', inputs: ['scene_codes'], outputs: ['mean'], attributes: { axes: [1, 2, 3, 4], keepdims: 1 } },
      { op: 'Reshape', inputs: ['mean', 'flat'], outputs: ['mean3'] },
      { op: 'Mul', inputs: ['mean3', 'little'], outputs: ['trace'] },
      { op: 'Add', inputs: ['bare', 'trace'], outputs: ['density'] },
      { op: 'Sigmoid', inputs: ['points'], outputs: ['color'] },
    ],
  },
};
