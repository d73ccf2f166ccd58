import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keepRuns } from '../../../gpu-origin/making/kept-runs.ts';
import { ModelManifest } from '../../../gpu-origin/families/families.ts';
import type { Infer } from '../../../gpu-origin/families/family.ts';
import { checkMesh } from '../../../gpu-origin/mesh/check.ts';
import { createKernelPool, type KernelPool } from '../../../gpu-origin/pipeline/kernel-pool.ts';
import { kernels as stages } from '../../../gpu-origin/pipeline/kernels.ts';
import { makeMesh } from '../../../gpu-origin/making/make-mesh.ts';
import { eulerCharacteristics, solids } from '../mesh/solids.ts';
import { onnxBytes, type OnnxGraph, type OnnxNode } from '../support/onnx.ts';
import { ballField } from '../support/triplane.ts';
import { defaultParams } from './default-params.ts';
import { emoji } from './emoji.ts';

/** Prime to the number of points, so that the last run is a part of one. */
const pointsPerRun = 4093;
const radius = 0.87;
const resolution = 48;

let kernels: KernelPool;
beforeAll(() => {
  kernels = createKernelPool({ threads: 2 });
});
afterAll(() => kernels.close());

const params = { ...defaultParams, texture_resolution: 256, mc_resolution: resolution } as const;

const manifest = ModelManifest.parse({
  name: 'analytic',
  version: '1',
  family: 'triplane-field',
  title: 'Analytic',
  description: 'A field known in closed form, in the tensors of a triplane model.',
  licence: 'MIT',
  files: {},
  graphs: {},
  preprocessing: { size: 512, channels: ['red', 'green', 'blue'], background: 128 / 255 },
  field: { threshold: 25, radius, pointsPerRun },
  batch: { maximum: 1 },
  defaults: {},
  uses: ['mc_resolution'],
  warm_up: { batches: [1] },
});

const scalar = (value: number) => ({ dims: [1], data: Float32Array.of(value) });
const vector = (...values: number[]) => ({ dims: [values.length], data: Float32Array.from(values) });

/** The nodes that make `distance` [1,P,1] from `points` [1,P,3]. */
type Field = { nodes: OnnxNode[]; constants: NonNullable<OnnxGraph['constants']> };

const l2 = (input: string, to: string): OnnxNode => ({
  op: 'ReduceL2',
  inputs: [input],
  outputs: [to],
  attributes: { axes: [2], keepdims: 1 },
});

const fields: Record<keyof typeof solids, Field> = {
  sphere: {
    constants: { r: scalar(0.6) },
    nodes: [l2('points', 'length'), { op: 'Sub', inputs: ['length', 'r'], outputs: ['distance'] }],
  },
  torus: {
    constants: {
      ...sliceConstants(),
      major: scalar(0.5),
      minor: scalar(0.2),
    },
    nodes: [
      { op: 'Slice', inputs: ['points', 'zero', 'two', 'last'], outputs: ['xy'] },
      { op: 'Slice', inputs: ['points', 'two', 'three', 'last'], outputs: ['z'] },
      l2('xy', 'across'),
      { op: 'Sub', inputs: ['across', 'major'], outputs: ['ring'] },
      { op: 'Concat', inputs: ['ring', 'z'], outputs: ['tube'], attributes: { axis: 2 } },
      l2('tube', 'length'),
      { op: 'Sub', inputs: ['length', 'minor'], outputs: ['distance'] },
    ],
  },
  boxFrame: {
    constants: { ...sliceConstants(), half: scalar(0.55), middle: scalar(0.43), bar: scalar(0.12) },
    nodes: [
      { op: 'Abs', inputs: ['points'], outputs: ['p'] },
      { op: 'Sub', inputs: ['p', 'half'], outputs: ['outer'] },
      { op: 'Sub', inputs: ['p', 'middle'], outputs: ['off'] },
      { op: 'Abs', inputs: ['off'], outputs: ['away'] },
      { op: 'Sub', inputs: ['away', 'bar'], outputs: ['reach'] },
      ...[0, 1, 2].flatMap((axis) => {
        const bounds = ['zero', 'one', 'two', 'three'];
        const part = (of: string, k: number): OnnxNode => ({
          op: 'Slice',
          inputs: [of, bounds[k] as string, bounds[k + 1] as string, 'last'],
          outputs: [`${of}${k}-${axis}`],
        });
        const [u, v] = [(axis + 1) % 3, (axis + 2) % 3];
        return [
          part('outer', axis),
          part('reach', u),
          part('reach', v),
          {
            op: 'Max',
            inputs: [`outer${axis}-${axis}`, `reach${u}-${axis}`, `reach${v}-${axis}`],
            outputs: [`bar${axis}`],
          },
        ];
      }),
      { op: 'Min', inputs: ['bar0', 'bar1', 'bar2'], outputs: ['distance'] },
    ],
  },
  twoBodies: {
    constants: { a: vector(0.4, 0, 0), b: vector(-0.4, 0.1, 0), ra: scalar(0.25), rb: scalar(0.3) },
    nodes: [
      { op: 'Sub', inputs: ['points', 'a'], outputs: ['fromA'] },
      { op: 'Sub', inputs: ['points', 'b'], outputs: ['fromB'] },
      l2('fromA', 'lengthA'),
      l2('fromB', 'lengthB'),
      { op: 'Sub', inputs: ['lengthA', 'ra'], outputs: ['distanceA'] },
      { op: 'Sub', inputs: ['lengthB', 'rb'], outputs: ['distanceB'] },
      { op: 'Min', inputs: ['distanceA', 'distanceB'], outputs: ['distance'] },
    ],
  },
};

function sliceConstants() {
  return Object.fromEntries(
    ['zero', 'one', 'two', 'three'].map((name, value) => [name, { dims: [1], data: [value] }]),
  ) as Record<'zero' | 'one' | 'two' | 'three', { dims: number[]; data: number[] }>;
}

/** density = 25 - 40 × distance + 0 × scene; the colour is the place: (p / 0.87 + 1) / 2. */
function decoder({ nodes, constants }: Field): OnnxGraph {
  const used = Object.entries({ ...constants, last: { dims: [1], data: [2] } }).filter(([name]) =>
    nodes.some(({ inputs }) => inputs.includes(name)),
  );
  return {
    inputs: { scene_codes: { shape: [1, 3, 40, 64, 64] }, points: { shape: [1, pointsPerRun, 3] } },
    outputs: { density: { shape: [1, pointsPerRun, 1] }, color: { shape: [1, pointsPerRun, 3] } },
    constants: {
      ...Object.fromEntries(used),
      steep: scalar(-40),
      level: scalar(25),
      nothing: scalar(0),
      flat: { dims: [3], data: [1, 1, 1] },
      scale: scalar(0.5 / radius),
      shift: scalar(0.5),
    },
    nodes: [
      ...nodes,
      {
        op: 'ReduceMean',
        inputs: ['scene_codes'],
        outputs: ['scene'],
        attributes: { axes: [1, 2, 3, 4], keepdims: 0 },
      },
      { op: 'Mul', inputs: ['scene', 'nothing'], outputs: ['none'] },
      { op: 'Reshape', inputs: ['none', 'flat'], outputs: ['none3'] },
      { op: 'Mul', inputs: ['distance', 'steep'], outputs: ['depth'] },
      { op: 'Add', inputs: ['depth', 'level'], outputs: ['value'] },
      { op: 'Add', inputs: ['value', 'none3'], outputs: ['density'] },
      { op: 'Mul', inputs: ['points', 'scale'], outputs: ['scaled'] },
      { op: 'Add', inputs: ['scaled', 'shift'], outputs: ['color'] },
    ],
  };
}

async function inferWith(field: Field): Promise<{ infer: Infer; runs: Record<string, number> }> {
  const sessions: Record<string, InferenceSession> = {
    encoder: await InferenceSession.create(onnxBytes(ballField.encoder)),
    decoder: await InferenceSession.create(onnxBytes(decoder(field))),
  };
  const runs: Record<string, number> = {};
  const infer: Infer = async ({ graph, inputs }) => {
    runs[graph] = (runs[graph] ?? 0) + 1;
    const feeds = Object.entries(inputs).map(([name, { data, dims }]) => [name, new Tensor('float32', data, dims)]);
    const outputs = (await sessions[graph]?.run(Object.fromEntries(feeds))) ?? {};
    return {
      outputs: Object.fromEntries(
        Object.entries(outputs).map(([name, { data, dims }]) => [
          name,
          { data: data as Float32Array, dims: [...dims] },
        ]),
      ),
      gpuMs: 1,
      provider: 'cpu',
      degraded: false,
    };
  };
  return { infer, runs };
}

type Watched = { onRecord?: (record: Uint8Array) => void; wrap?: (infer: Infer) => Infer };

async function make(field: Field, { onRecord = () => undefined, wrap = (infer) => infer }: Watched = {}) {
  const { infer, runs } = await inferWith(field);
  const made = await makeMesh({
    image: await emoji('doughnut'),
    params,
    scope: 'shared',
    model: { id: 'analytic@1', digest: '0'.repeat(64), manifest },
    matting: null,
    infer: wrap(infer),
    kernels,
    geometry: { get: () => Promise.resolve(null), put: (_, record) => Promise.resolve(onRecord(record)) },
    onStage: () => undefined,
    signal: new AbortController().signal,
  });
  return { made, runs };
}

/** The surface as the model has it: glTF's axes turned back. */
async function surfaceOf(field: Field) {
  const records: Uint8Array[] = [];
  const { made, runs } = await make(field, { onRecord: (record) => records.push(record) });
  const [record = new Uint8Array()] = records;
  const { surface } = (await stages.readRecord(record)).geometry;
  const points = Array.from({ length: surface.positions.length / 3 }, (_, v) => {
    const [x = 0, y = 0, z = 0] = surface.positions.subarray(3 * v, 3 * v + 3);
    return [-z, -x, y] as const;
  });
  return { made, runs, surface, points };
}

describe.each(['sphere', 'torus', 'boxFrame', 'twoBodies'] as const)('a triplane model whose field is a %s', (name) => {
  test('gives a watertight mesh of the right genus within half a voxel of the truth', async () => {
    const { made, surface, points } = await surfaceOf(fields[name]);
    expect(made.asset.watertight).toBe(true);
    expect(checkMesh(surface.positions, surface.indices).eulerCharacteristic).toBe(eulerCharacteristics[name]);
    const voxel = (2 * radius) / (resolution - 1);
    const square = points.reduce((sum, [x, y, z]) => sum + (solids[name](x, y, z) / voxel) ** 2 / points.length, 0);
    expect(Math.sqrt(square)).toBeLessThan(0.5);
  });
});

describe('a triplane model', () => {
  test('is decoded in runs of as many points as its manifest says, and its time is the sum', async () => {
    const { made, runs, surface } = await surfaceOf(fields.torus);
    const vertices = surface.positions.length / 3;
    expect(runs).toEqual({
      encoder: 1,
      decoder: Math.ceil(resolution ** 3 / pointsPerRun) + Math.ceil(vertices / pointsPerRun),
    });
    expect(made.gpuMs).toBe((runs['encoder'] ?? 0) + (runs['decoder'] ?? 0));
  });

  test('leaves one file for a crash, that of its encoder, however many points it is decoded at', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'runs-'));
    try {
      const asked: Record<string, number> = {};
      const keep = (infer: Infer) =>
        keepRuns((run) => {
          asked[run.graph] = (asked[run.graph] ?? 0) + 1;
          return infer(run);
        }, folder);
      for (let starts = 0; starts < 2; starts += 1) await make(fields.sphere, { wrap: keep });
      expect(await readdir(folder)).toHaveLength(1);
      expect(asked['encoder']).toBe(1);
      expect(asked['decoder']).toBeGreaterThan(2 * (resolution ** 3 / pointsPerRun));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('colours its vertices by the decoder, at their own places', async () => {
    const { surface, points } = await surfaceOf(fields.twoBodies);
    for (const [v, point] of points.entries()) {
      for (const [k, value] of point.entries()) {
        expect(Math.abs((surface.colors?.[3 * v + k] as number) - 255 * (value / radius / 2 + 0.5))).toBeLessThan(1);
      }
    }
  });

  test('stands upright: what the model has at +Z is up in glTF, and what it has at +X is at the back', async () => {
    const tall: Field = {
      constants: { a: vector(0.1, 0, 0.6), r: scalar(0.2), b: vector(0, 0, -0.1), s: scalar(0.4) },
      nodes: [
        { op: 'Sub', inputs: ['points', 'a'], outputs: ['fromA'] },
        { op: 'Sub', inputs: ['points', 'b'], outputs: ['fromB'] },
        l2('fromA', 'lengthA'),
        l2('fromB', 'lengthB'),
        { op: 'Sub', inputs: ['lengthA', 'r'], outputs: ['distanceA'] },
        { op: 'Sub', inputs: ['lengthB', 's'], outputs: ['distanceB'] },
        { op: 'Min', inputs: ['distanceA', 'distanceB'], outputs: ['distance'] },
      ],
    };
    const { made, surface } = await surfaceOf(tall);
    const [low, high] = made.asset.bounds;
    expect(high[1] - low[1]).toBeCloseTo(0.1, 4); // 1.3 high, 0.8 wide
    expect(high[0] - low[0]).toBeCloseTo((0.1 * 0.8) / 1.3, 2);
    const top = surface.positions.reduce(
      (best, y, i) => (i % 3 === 1 && y > (surface.positions[best] as number) ? i : best),
      1,
    );
    expect(surface.positions[top + 1] as number).toBeCloseTo(-0.1, 1);
  });

  test('is given its picture on grey, at its own size, with no alpha', async () => {
    const { infer } = await inferWith(fields.sphere);
    const seen: Parameters<Infer>[0][] = [];
    const watched: Infer = (run) => {
      seen.push(run);
      return infer(run);
    };
    await makeMesh({
      image: new Uint8Array(
        await sharp(await emoji('key'))
          .png()
          .toBuffer(),
      ),
      params,
      scope: 'shared',
      model: { id: 'analytic@1', digest: '0'.repeat(64), manifest },
      matting: null,
      infer: watched,
      kernels,
      geometry: { get: () => Promise.resolve(null), put: () => Promise.resolve() },
      onStage: () => undefined,
      signal: new AbortController().signal,
    });
    const image = seen[0]?.inputs['image'];
    expect(image?.dims).toEqual([1, 3, 512, 512]);
    for (const channel of [0, 1, 2]) expect(image?.data[channel * 512 * 512]).toBeCloseTo(128 / 255, 5);
  });

  test('that sees nothing makes the picture unprocessable', async () => {
    const nothing: Field = { ...fields.sphere, constants: { r: scalar(-1) } };
    await expect(make(nothing)).rejects.toMatchObject({ code: 'unprocessable_image' });
  });
});
