import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { canonicalJson } from '../../contract/canonical-json.ts';
import { geometryKey, keyOfMeshId, meshId, meshParams, requestKey, type KeyInput } from '../../contract/key.ts';
import type { Model } from '../../contract/model.ts';
import { MeshRequest, type MeshRequestInput } from '../../contract/request.ts';

const depthModel: Model = {
  id: 'bisque@1',
  digest: 'a'.repeat(64),
  family: 'two-sided-depth',
  title: 'Bisque',
  description: '',
  licence: 'MIT',
  uses: [],
  defaults: {},
  createdAtSeconds: 0,
};
const fieldModel: Model = {
  ...depthModel,
  id: 'field@1',
  family: 'triplane-field',
  uses: ['seed', 'mc_resolution'],
  defaults: { mc_resolution: 192 },
};

function keyOf(request: MeshRequestInput, model = depthModel, change: Partial<KeyInput> = {}): Promise<string> {
  const params = meshParams(MeshRequest.parse(request), model);
  return requestKey({ model, imageSha256: 'b'.repeat(64), params, scope: 'shared', nonce: null, ...change });
}

test('the key of a request is the SHA-256 of this very text', async () => {
  const text =
    '{"contract":1,"image":"' +
    'b'.repeat(64) +
    '","manifest":"' +
    'a'.repeat(64) +
    '","model":"bisque@1","params":{"compression":"none","foreground_ratio":0.85,"largest_dimension_mm":100,' +
    '"output_format":"glb","remove_background":"auto","target_face_count":null,"texture":true,' +
    '"texture_resolution":1024},"pipeline":3,"scope":"shared"}';
  expect(await keyOf({})).toBe(createHash('sha256').update(text).digest('hex'));
  expect(await keyOf({})).toBe('8c6900527d34dc6ff0c2a24e8af29752ab4a9c3f9d29eba36a9c08cd01b78441');
});

test.each<[string, MeshRequestInput]>([
  ['output_format', { output_format: 'stl' }],
  ['remove_background', { remove_background: false }],
  ['foreground_ratio', { foreground_ratio: 0.9 }],
  ['texture', { texture: false }],
  ['texture_resolution', { texture_resolution: 512 }],
  ['target_face_count', { target_face_count: 1000 }],
  ['compression', { compression: 'meshopt' }],
  ['largest_dimension_mm', { largest_dimension_mm: 50 }],
])('another %s is another key', async (_field, request) => {
  expect(await keyOf(request)).not.toBe(await keyOf({}));
});

test.each<[string, Partial<KeyInput>]>([
  ['image', { imageSha256: 'c'.repeat(64) }],
  ['model', { model: { ...depthModel, id: 'bisque@2' } }],
  ['manifest', { model: { ...depthModel, digest: 'd'.repeat(64) } }],
  ['scope', { scope: 'tenant-1' }],
  ['nonce', { nonce: 'e'.repeat(32) }],
])('another %s is another key', async (_field, change) => {
  expect(await keyOf({}, depthModel, change)).not.toBe(await keyOf({}));
});

test.each<[string, MeshRequestInput]>([
  ['metadata', { metadata: { order: '7' } }],
  ['priority', { priority: 'batch' }],
  ['tags', { cache: { tags: ['shop'] } }],
  ['a field that this model does not use', { seed: 7, mc_resolution: 64 }],
])('%s does not change the key', async (_field, request) => {
  expect(await keyOf(request)).toBe(await keyOf({}));
});

test('a texture resolution without a texture, or in a format without one, does not change the key', async () => {
  const untextured = { texture: false } as const;
  expect(await keyOf({ ...untextured, texture_resolution: 256 })).toBe(await keyOf(untextured));
  expect(await keyOf({ output_format: 'stl', texture_resolution: 256 })).toBe(await keyOf({ output_format: 'stl' }));
});

test("a model's own default is the same request as its value spelt out", async () => {
  expect(await keyOf({ mc_resolution: 192 }, fieldModel)).toBe(await keyOf({}, fieldModel));
  expect(await keyOf({ mc_resolution: 64 }, fieldModel)).not.toBe(await keyOf({}, fieldModel));
  expect(await keyOf({ seed: 1 }, fieldModel)).not.toBe(await keyOf({}, fieldModel));
});

function geometryKeyOf(request: MeshRequestInput): Promise<string> {
  const params = meshParams(MeshRequest.parse(request), fieldModel);
  return geometryKey({ model: fieldModel, pixelsSha256: 'c'.repeat(64), params, scope: 'shared' });
}

test.each<[string, MeshRequestInput]>([
  ['seed', { seed: 1 }],
  ['remove_background', { remove_background: false }],
  ['foreground_ratio', { foreground_ratio: 0.9 }],
  ['mc_resolution', { mc_resolution: 64 }],
])('another %s is another surface', async (_field, request) => {
  expect(await geometryKeyOf(request)).not.toBe(await geometryKeyOf({}));
});

test('what is made from the surface alone leaves the geometry key as it is', async () => {
  const request: MeshRequestInput = {
    output_format: 'obj',
    texture: false,
    texture_resolution: 512,
    target_face_count: 1000,
    largest_dimension_mm: 50,
  };
  expect(await geometryKeyOf(request)).toBe(await geometryKeyOf({}));
  expect(await geometryKeyOf({})).toBe('2ee99be88d1fe35a2b838ca1a614cb61c4cf50ddaf359ec0e942a22d7f104539');
});

test('a mesh id gives its key back, and nothing else does', () => {
  const key = '0'.repeat(64);
  expect(keyOfMeshId(meshId(key))).toBe(key);
  for (const id of ['', 'mesh_', key, `mesh_${key}0`, `mesh_${key.toUpperCase()}x`]) expect(keyOfMeshId(id)).toBeNull();
});

// The sorting sample of RFC 8785 §3.2.3 and the number samples of its appendix B.
test('canonical JSON orders names by UTF-16 code units', () => {
  const value = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\u{1f600}': 5, '\u0080': 6, '\u00f6': 7 };
  expect(canonicalJson(value)).toBe('{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\u{1f600}":5,"\ufb33":3}');
});

test.each([
  [1e21, '1e+21'],
  [-0, '0'],
  [0.1 + 0.2, '0.30000000000000004'],
  [5e-324, '5e-324'],
  [0.000001, '0.000001'],
  [1e-7, '1e-7'],
])('canonical JSON writes the number %d as ECMAScript does', (value, text) => {
  expect(canonicalJson(value)).toBe(text);
});

test('canonical JSON refuses what JSON cannot carry', () => {
  for (const value of [NaN, Infinity, '\ud800', { a: [-Infinity] }])
    expect(() => canonicalJson(value)).toThrow(TypeError);
});
