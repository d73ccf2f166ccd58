import { Document, NodeIO, type Node } from '@gltf-transform/core';
import sharp from 'sharp';
import { beforeAll, expect, test } from 'vitest';
import { checkMesh } from '../../../gpu-origin/mesh/check.ts';
import { kernels } from '../../../gpu-origin/pipeline/kernels.ts';
import type { PaintedMesh } from '../../../gpu-origin/pipeline/texture.ts';
import { sampled, solids } from '../mesh/solids.ts';

let torus: PaintedMesh;

beforeAll(async () => {
  const plan = { threshold: 0, radius: 0.87, pointsPerRun: 32 ** 3, resolution: 32 };
  const { positions, indices, normals } = await kernels.surfaceFromField({
    values: sampled(solids.torus, 32, 0.87),
    plan,
  });
  const colors = new Uint8Array(positions.length).map((_, i) => [200, 40, 90][i % 3] ?? 0);
  torus = { mesh: { positions, indices, normals, uvs: null, colors }, texture: null };
});

test.each(['none', 'quantize', 'meshopt', 'draco'] as const)(
  'a GLB of ours (%s) comes back whole',
  async (compression) => {
    const { bytes, faces } = await kernels.encode({ painted: torus, params: { output_format: 'glb', compression } });
    const surface = await kernels.readGlb(bytes);
    const check = checkMesh(surface.positions, surface.indices);
    expect(check).toMatchObject({ watertight: true, eulerCharacteristic: 0 });
    // Rounding may draw corners together, and a triangle so closed is left out.
    expect(surface.indices.length / 3).toBeGreaterThan(0.99 * faces);
    const [red = 0, green = 0, blue = 0] = surface.colors ?? [];
    for (const [value, expected] of [
      [red, 200],
      [green, 40],
      [blue, 90],
    ] as const) {
      expect(Math.abs(value - expected)).toBeLessThanOrEqual(2);
    }
  },
);

/** A document with one triangle in the xy plane, changed before it is written. */
async function triangle(
  change: (parts: { document: Document; node: Node }) => void | Promise<void>,
): Promise<Uint8Array> {
  const document = new Document();
  const buffer = document.createBuffer();
  const accessor = (type: 'VEC3' | 'VEC2', values: number[]) =>
    document.createAccessor().setType(type).setArray(new Float32Array(values)).setBuffer(buffer);
  const primitive = document
    .createPrimitive()
    .setAttribute('POSITION', accessor('VEC3', [0, 0, 0, 1, 0, 0, 0, 1, 0]))
    .setAttribute('TEXCOORD_0', accessor('VEC2', [0.25, 0.5, 0.75, 0.5, 1.25, 0.5]))
    .setMaterial(document.createMaterial());
  const node = document.createNode().setMesh(document.createMesh().addPrimitive(primitive));
  document.createScene().addChild(node);
  await change({ document, node });
  return new NodeIO().writeBinary(document);
}

test('transforms of nodes are applied, and a mirror keeps the outside outside', async () => {
  const glb = await triangle(({ document, node }) => {
    node.setTranslation([0, 0, 2]).setScale([-1, 2, 1]);
    document
      .getRoot()
      .listScenes()[0]
      ?.addChild(document.createNode().setScale([3, 3, 3]).setMesh(node.getMesh()));
  });
  const { positions, indices, normals, colors } = await kernels.readGlb(glb);
  const corners = [...indices].map((vertex) => [...positions.subarray(3 * vertex, 3 * vertex + 3)]);
  expect(corners).toEqual([
    [-1, 0, 2],
    [0, 0, 2],
    [0, 2, 2],
    [0, 0, 0],
    [3, 0, 0],
    [0, 3, 0],
  ]);
  expect([...normals.subarray(0, 3)].map(Math.abs)).toEqual([0, 0, 1]);
  expect(colors).toBeNull();
});

test('factor, vertex colour and texture are multiplied in linear light; the texture repeats', async () => {
  // Left half blue, right half white: the third corner is past the edge, so back on the left.
  const image = await sharp(Buffer.from([0, 0, 255, 255, 255, 255]), { raw: { width: 2, height: 1, channels: 3 } })
    .png()
    .toBuffer();
  const glb = await triangle(({ document }) => {
    const texture = document.createTexture().setImage(new Uint8Array(image)).setMimeType('image/png');
    document.getRoot().listMaterials()[0]?.setBaseColorTexture(texture).setBaseColorFactor([1, 1, 0.5, 1]);
  });
  const { indices, colors } = await kernels.readGlb(glb);
  const corners = [...indices].map((vertex) => [...(colors ?? new Uint8Array()).subarray(3 * vertex, 3 * vertex + 3)]);
  // Half of the light is 188 of 255 in sRGB.
  expect(corners).toEqual([
    [0, 0, 188],
    [255, 255, 188],
    [0, 0, 188],
  ]);
});

test.each<[string, () => Promise<Uint8Array>, RegExp]>([
  ['no GLB', async () => new TextEncoder().encode('<html>'), /not a readable GLB/],
  ['a scene with nothing in it', () => triangle(({ node }) => void node.setMesh(null)), /no triangles/],
  ['lines', () => triangle(({ node }) => void node.getMesh()?.listPrimitives()[0]?.setMode(1)), /no triangles/],
  [
    'positions that are no numbers',
    () => triangle(({ document }) => void document.getRoot().listAccessors()[0]?.setElement(0, [NaN, 0, 0])),
    /positions that are no numbers/,
  ],
  [
    'triangles of vertices that are not there',
    () =>
      triangle(({ document, node }) => {
        const indices = document
          .createAccessor()
          .setType('SCALAR')
          .setArray(new Uint16Array([0, 1, 3]));
        const buffer = document.getRoot().listBuffers()[0] ?? null;
        node.getMesh()?.listPrimitives()[0]?.setIndices(indices.setBuffer(buffer));
      }),
    /vertices that are not there/,
  ],
  [
    'corners in one place',
    () => triangle(({ document }) => void document.getRoot().listAccessors()[0]?.setElement(1, [0, 0, 0])),
    /no triangles/,
  ],
])('%s is refused by what is wrong with it', async (_, glb, message) => {
  const refusal = kernels.readGlb(await glb());
  await expect(refusal).rejects.toMatchObject({ code: 'upstream_failed', message: expect.stringMatching(message) });
});

/** A GLB of JSON alone, padded with NULs as some writers do. */
function glbOf(gltf: object): Uint8Array {
  const json = Buffer.from(JSON.stringify({ asset: { version: '2.0' }, ...gltf }));
  const padded = Buffer.concat([json, Buffer.alloc(-json.length & 3)]);
  const head = Buffer.alloc(20);
  head.write('glTF', 0, 'latin1');
  for (const [at, value] of [2, 20 + padded.length, padded.length].entries()) head.writeUInt32LE(value, 4 + 4 * at);
  head.write('JSON', 16, 'latin1');
  return new Uint8Array(Buffer.concat([head, padded]));
}

const zeros = (count: number) => [{ componentType: 5126, type: 'VEC3', count }];
const meshes = [{ primitives: [{ attributes: { POSITION: 0 } }] }];

test.each<[string, object, RegExp]>([
  [
    'one mesh at sixty places',
    {
      accessors: zeros(4_000_000),
      meshes,
      nodes: Array.from({ length: 60 }, () => ({ mesh: 0 })),
      scenes: [{ nodes: Array.from({ length: 60 }, (_, i) => i) }],
    },
    /more than 4000000 vertices/,
  ],
  [
    'nodes below each other twice, again and again',
    {
      accessors: zeros(3),
      meshes,
      nodes: [...Array.from({ length: 40 }, (_, i) => ({ children: [i + 1, i + 1] })), { mesh: 0 }],
      scenes: [{ nodes: [0] }],
    },
    /nodes are no tree/,
  ],
  [
    'accessors that nothing shows',
    {
      accessors: Array.from({ length: 100 }, () => zeros(4_000_000)[0]),
      meshes,
      nodes: [{ mesh: 0 }],
      scenes: [{ nodes: [0] }],
    },
    /unpacks to more than 1073741824 bytes/,
  ],
  [
    'corners without end',
    {
      accessors: [...zeros(3), { componentType: 5125, type: 'SCALAR', count: 12_000_003 }],
      meshes: [{ primitives: [{ attributes: { POSITION: 0 }, indices: 1 }] }],
      nodes: [{ mesh: 0 }],
      scenes: [{ nodes: [0] }],
    },
    /more than 4000000 triangles/,
  ],
])('a small file that asks for %s is refused before anything is built', async (_, gltf, message) => {
  const since = performance.now();
  const refusal = kernels.readGlb(glbOf(gltf));
  await expect(refusal).rejects.toMatchObject({ code: 'upstream_failed', message: expect.stringMatching(message) });
  expect(performance.now() - since).toBeLessThan(2000);
});
