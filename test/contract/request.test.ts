import { expect, test } from 'vitest';
import { MeshRequest } from '../../contract/request.ts';

test('an empty request has every default', () => {
  expect(MeshRequest.parse({})).toEqual({
    model: 'default',
    output_format: 'glb',
    seed: 0,
    remove_background: 'auto',
    foreground_ratio: 0.85,
    texture: true,
    texture_resolution: 1024,
    target_face_count: null,
    compression: 'none',
    largest_dimension_mm: 100,
    cache: { mode: 'default', tags: [] },
    priority: 'interactive',
    metadata: {},
  });
});

test.each<[string, unknown]>([
  ['seed', -1],
  ['seed', 2 ** 32],
  ['seed', 0.5],
  ['remove_background', 'yes'],
  ['foreground_ratio', 0.49],
  ['foreground_ratio', 1.01],
  ['mc_resolution', 31],
  ['mc_resolution', 513],
  ['texture', 'true'],
  ['texture_resolution', 1000],
  ['target_face_count', 99],
  ['target_face_count', 300_001],
  ['compression', 'zip'],
  ['largest_dimension_mm', 0.5],
  ['largest_dimension_mm', 1001],
  ['output_format', 'fbx'],
  ['priority', 'high'],
  ['model', ''],
  ['prompt', ''],
  ['metadata', { a: 1 }],
  ['metadata', Object.fromEntries(Array.from({ length: 17 }, (_, pair) => [`k${pair}`, 'v']))],
  ['metadata', { ['k'.repeat(65)]: 'v' }],
  ['metadata', { k: 'v'.repeat(513) }],
  ['cache', { tags: Array.from({ length: 9 }, String) }],
  ['cache', { mode: 'never' }],
  ['webhook_url', 'not a url'],
])('%s refuses %j', (field, value) => {
  const result = MeshRequest.safeParse({ [field]: value });
  expect(result.error?.issues[0]?.path[0]).toBe(field);
});

test.each(['obj', 'stl', 'ply'])('compression cannot be honoured with %s', (format) => {
  const result = MeshRequest.safeParse({ output_format: format, compression: 'draco' });
  expect(result.error?.issues[0]?.path).toEqual(['compression']);
});

test('an unknown field is refused by name', () => {
  const result = MeshRequest.safeParse({ colour: 'red' });
  expect(result.error?.issues[0]).toMatchObject({ code: 'unrecognized_keys', keys: ['colour'] });
});
