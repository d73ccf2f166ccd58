import { NodeIO } from '@gltf-transform/core';
import { ALL_EXTENSIONS } from '@gltf-transform/extensions';
import draco3d from 'draco3dgltf';
import { unzipSync } from 'fflate';
import { validateBytes } from 'gltf-validator';
import { MeshoptDecoder } from 'meshoptimizer';
import { GLTFLoader } from 'three/examples/jsm/loaders/GLTFLoader.js';
import { OBJLoader } from 'three/examples/jsm/loaders/OBJLoader.js';
import { PLYLoader } from 'three/examples/jsm/loaders/PLYLoader.js';
import { STLLoader } from 'three/examples/jsm/loaders/STLLoader.js';
import { Box3, type BufferGeometry, Mesh as ThreeMesh } from 'three';
import { beforeAll, describe, expect, test } from 'vitest';
import type { MeshParams } from '../../../contract/key.ts';
import type { Asset } from '../../../gpu-origin/pipeline/encode.ts';
import type { Geometry } from '../../../gpu-origin/pipeline/geometry.ts';
import { kernels } from '../../../gpu-origin/pipeline/kernels.ts';
import { asManifold } from '../mesh/manifold.ts';
import { defaultParams } from './default-params.ts';
import { emoji } from './emoji.ts';
import { realModel } from './real-model.ts';

const defaults: MeshParams = { ...defaultParams, texture_resolution: 512, largest_dimension_mm: 60 };

let geometry: Geometry;

beforeAll(async () => {
  const { model, infer } = await realModel('bisque');
  const { preprocessing, camera } = model.manifest;
  const { picture } = await kernels.decode(await emoji('teddyBear'));
  const { canvas, tensor } = kernels.prepare({ picture, prediction: null, foregroundRatio: 0.85, preprocessing });
  const signal = new AbortController().signal;
  const { outputs } = await infer({ model, graph: 'depth', inputs: { image: tensor }, signal });
  const sheet = (name: string) => outputs[name]?.data ?? new Float32Array();
  const cameraDistance = camera?.distance ?? null;
  const { size } = preprocessing;
  const surface = await kernels.surfaceFromSheets({
    canvas,
    front: sheet('front'),
    back: sheet('back'),
    size,
    cameraDistance,
  });
  geometry = { surface, canvas, cameraDistance };
});

async function write(params: Partial<MeshParams>): Promise<Asset> {
  const { texture, texture_resolution, ...others } = { ...defaults, ...params };
  const textured = others.output_format === 'glb' || others.output_format === 'obj';
  const wanted = { ...others, ...(textured && { texture, texture_resolution }) };
  return kernels.encode({ painted: await kernels.finish({ geometry, params: wanted }), params: wanted });
}

async function readGlb(bytes: Uint8Array) {
  const io = new NodeIO().registerExtensions(ALL_EXTENSIONS).registerDependencies({
    'draco3d.decoder': await draco3d.createDecoderModule(),
    'meshopt.decoder': MeshoptDecoder,
  });
  const document = await io.readBinary(bytes);
  const root = document.getRoot();
  const primitive = root.listMeshes()[0]?.listPrimitives()[0];
  const node = root.listNodes().find((candidate) => candidate.getMesh() !== null);
  const position = primitive?.getAttribute('POSITION');
  if (!primitive || !position || !node) throw new Error('the file holds no mesh');
  const scale = node.getWorldScale()[0];
  const low = position.getMinNormalized([]).map((value, k) => value * scale + (node.getWorldTranslation()[k] ?? 0));
  const high = position.getMaxNormalized([]).map((value, k) => value * scale + (node.getWorldTranslation()[k] ?? 0));
  return { root, primitive, faces: (primitive.getIndices()?.getCount() ?? 0) / 3, low, high };
}

async function typeOf(output_format: MeshParams['output_format']): Promise<string[]> {
  const { bytes, mediaType, extension } = await write({ output_format });
  return [mediaType, extension, new TextDecoder('latin1').decode(bytes.subarray(0, 4))];
}

async function bytesWith(compression: NonNullable<MeshParams['compression']>): Promise<number> {
  return (await write({ compression, texture: false })).bytes.length;
}

function describeGeometry(shape: BufferGeometry): { faces: number; low: number[]; high: number[] } {
  const box = new Box3().setFromObject(new ThreeMesh(shape));
  const corners = shape.index?.count ?? shape.getAttribute('position').count;
  return { faces: corners / 3, low: box.min.toArray(), high: box.max.toArray() };
}

function arrayBuffer(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}

function close(a: readonly number[], b: readonly number[], within: number): void {
  for (const [k, value] of a.entries()) expect(Math.abs(value - (b[k] as number))).toBeLessThan(within);
}

/** A GLB without pictures as three's own loader opens it, in metres. */
async function openedByThree(bytes: Uint8Array): Promise<{ faces: number; low: number[]; high: number[] }> {
  const { scene } = await new GLTFLoader().setMeshoptDecoder(MeshoptDecoder).parseAsync(arrayBuffer(bytes), '');
  scene.updateMatrixWorld(true);
  const box = new Box3().setFromObject(scene);
  let faces = 0;
  scene.traverse((node) => {
    if (node instanceof ThreeMesh) faces += ((node.geometry as BufferGeometry).index?.count ?? NaN) / 3;
  });
  return { faces, low: box.min.toArray(), high: box.max.toArray() };
}

describe('the same mesh', () => {
  test.each(['none', 'quantize', 'meshopt'] as const)(
    "opens in three's loaders as GLB with compression %s and as STL, with equal triangles and bounds",
    async (compression) => {
      const [glb, stl] = await Promise.all([write({ texture: false, compression }), write({ output_format: 'stl' })]);
      const inGlb = await openedByThree(glb.bytes);
      const inStl = describeGeometry(new STLLoader().parse(arrayBuffer(stl.bytes)));
      expect(inGlb.faces).toBe(inStl.faces);
      expect(inGlb.faces).toBe(glb.faces);
      // Quantized positions have steps of 1/16,383 of the largest side.
      const withinMetres = compression === 'none' ? 1e-6 : 60 / 16_383 / 1000;
      close(
        inStl.low.map((mm) => mm / 1000),
        inGlb.low,
        withinMetres,
      );
      close(
        inStl.high.map((mm) => mm / 1000),
        inGlb.high,
        withinMetres,
      );
    },
  );

  test('opens in each format with equal triangles and, in its own unit, equal bounds', async () => {
    const [glb, stl, ply, obj] = await Promise.all([
      write({}),
      write({ output_format: 'stl' }),
      write({ output_format: 'ply' }),
      write({ output_format: 'obj' }),
    ]);
    const files = unzipSync(obj.bytes);
    const objMesh = new OBJLoader().parse(new TextDecoder().decode(files['mesh.obj'])).children[0] as ThreeMesh;
    const inGlb = await readGlb(glb.bytes);
    const inStl = describeGeometry(new STLLoader().parse(arrayBuffer(stl.bytes)));
    const inPly = describeGeometry(new PLYLoader().parse(arrayBuffer(ply.bytes)));
    const inObj = describeGeometry(objMesh.geometry);
    for (const opened of [inStl, inPly, inObj]) {
      expect(opened.faces).toBe(inGlb.faces);
      close(
        opened.low.map((mm) => mm / 1000),
        inGlb.low,
        1e-6,
      );
      close(
        opened.high.map((mm) => mm / 1000),
        inGlb.high,
        1e-6,
      );
    }
    for (const asset of [glb, stl, ply, obj]) expect(asset.faces).toBe(inGlb.faces);
    close(glb.bounds[1], inGlb.high, 1e-9);
    close(stl.bounds[1], inStl.high, 1e-5);
  });

  test('says what it is: media types, extensions, first bytes', async () => {
    expect(await typeOf('glb')).toEqual(['model/gltf-binary', 'glb', 'glTF']);
    expect(await typeOf('obj')).toEqual(['application/zip', 'zip', 'PK\u0003\u0004']);
    expect(await typeOf('ply')).toEqual(['application/x-ply', 'ply', 'ply\n']);
    expect((await typeOf('stl')).slice(0, 2)).toEqual(['model/stl', 'stl']);
  });

  test.each([1, 60, 1000])('is %i mm long in STL', async (largest_dimension_mm) => {
    const { bytes } = await write({ output_format: 'stl', largest_dimension_mm });
    const { low, high } = describeGeometry(new STLLoader().parse(arrayBuffer(bytes)));
    const longest = Math.max(...high.map((value, k) => value - (low[k] as number)));
    expect(Math.abs(longest / largest_dimension_mm - 1)).toBeLessThan(0.001);
  });

  test('comes as an OBJ zip with material and texture, the same bytes each time', async () => {
    const [first, second] = await Promise.all([write({ output_format: 'obj' }), write({ output_format: 'obj' })]);
    expect(Buffer.compare(first.bytes, second.bytes)).toBe(0);
    const files = unzipSync(first.bytes);
    expect(Object.keys(files)).toEqual(['mesh.obj', 'mesh.mtl', 'mesh.jpg']);
    expect(new TextDecoder().decode(files['mesh.mtl'])).toContain('map_Kd mesh.jpg');
    expect(files['mesh.jpg']?.subarray(0, 2)).toEqual(Uint8Array.of(0xff, 0xd8));
  });
});

describe('GLB', () => {
  test.each(['none', 'quantize', 'meshopt', 'draco'] as const)(
    'with compression %s has no errors and keeps its shape',
    async (compression) => {
      const { bytes, faces } = await write({ compression });
      const report = await validateBytes(bytes);
      expect(report.issues.numErrors).toBe(0);
      // The validator does not know the two codecs; everything it does know must be without a warning.
      const warnings = report.issues.messages.filter((issue) => issue.severity === 1);
      expect(warnings.map((issue) => issue.code)).toEqual([]);
      const opened = await readGlb(bytes);
      expect(opened.faces).toBe(faces);
      close([...opened.low, ...opened.high], (await write({})).bounds.flat(), 0.06 / 1000);
    },
  );

  test('compressions make it smaller, one by one', async () => {
    const sizes = [
      await bytesWith('none'),
      await bytesWith('quantize'),
      await bytesWith('meshopt'),
      await bytesWith('draco'),
    ];
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
  });

  test('has a rough, unmetallic material with the texture at the resolution asked for', async () => {
    const { root } = await readGlb((await write({ texture_resolution: 256 })).bytes);
    const [material] = root.listMaterials();
    expect(material?.getMetallicFactor()).toBe(0);
    expect(material?.getRoughnessFactor()).toBeCloseTo(0.7);
    expect(material?.getBaseColorTexture()?.getSize()).toEqual([256, 256]);
    expect(material?.getDoubleSided()).toBe(false);
  });

  test('with texture false has vertex colours and no image', async () => {
    const { root, primitive } = await readGlb((await write({ texture: false })).bytes);
    expect(root.listTextures()).toEqual([]);
    expect(primitive.getAttribute('TEXCOORD_0')).toBeNull();
    expect(primitive.getAttribute('COLOR_0')?.getNormalized()).toBe(true);
  });
});

test('PLY carries the colours of the picture', async () => {
  const { bytes } = await write({ output_format: 'ply' });
  const colours = new PLYLoader().parse(arrayBuffer(bytes)).getAttribute('color');
  let red = 0;
  let blue = 0;
  for (let v = 0; v < colours.count; v++) {
    red += colours.getX(v);
    blue += colours.getZ(v);
  }
  expect(red).toBeGreaterThan(2 * blue); // a teddy bear is brown
});

describe('target_face_count', () => {
  test.each([300, 500, 5000])('%i is not exceeded, and the mesh stays watertight', async (target_face_count) => {
    const { bytes, faces, watertight } = await write({ target_face_count });
    expect(faces).toBeLessThanOrEqual(target_face_count);
    expect(faces).toBeGreaterThan(target_face_count * 0.8);
    expect(watertight).toBe(true);
    const { primitive } = await readGlb(bytes);
    const positions = Float32Array.from(primitive.getAttribute('POSITION')?.getArray() ?? []);
    const indices = Uint32Array.from(primitive.getIndices()?.getArray() ?? []);
    expect(asManifold(positions, indices)).toMatchObject({ status: 'NoError', genus: 0 });
  });

  test('below what keeps the mesh closed and near its shape stops there', async () => {
    const { faces, watertight } = await write({ target_face_count: 100 });
    expect(faces).toBeLessThan(300);
    expect(watertight).toBe(true);
  });

  test('above what there is leaves the mesh as it is', async () => {
    expect((await write({ target_face_count: 300_000 })).faces).toBe((await write({})).faces);
  });
});
