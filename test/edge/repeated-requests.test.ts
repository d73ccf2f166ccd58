import { describe, expect, test } from 'vitest';
import { requestKey } from '../../contract/key.ts';
import type { Model } from '../../contract/model.ts';
import { MeshRequest } from '../../contract/request.ts';
import { planJob } from '../../edge/meshes/job-plan.ts';
import { parseFormFields } from '../../edge/request/parsed-forms.ts';

const model: Model = {
  id: 'bisque@1',
  digest: '1'.repeat(64),
  family: 'two-sided-depth',
  title: 'Bisque',
  description: 'Named, never run.',
  licence: 'MIT',
  uses: ['seed'],
  defaults: {},
  createdAtSeconds: 1_700_000_000,
};

const imageA = 'a'.repeat(64);
const imageB = 'b'.repeat(64);

describe('fields of a form that came before', () => {
  test('are the same request, which no other request can change', () => {
    const first = parseFormFields({ texture: false, metadata: { shelf: '4' } }, { bytes: 300 }).data;
    const again = parseFormFields({ texture: false, metadata: { shelf: '4' } }, { bytes: 300 }).data;
    expect(again).toBe(first);
    expect(again).toEqual(MeshRequest.parse({ texture: false, metadata: { shelf: '4' } }));
    expect(() => again?.cache.tags.push('mine')).toThrow(TypeError);
    expect(() => Object.assign(again?.metadata ?? {}, { shelf: '5' })).toThrow(TypeError);
  });

  test('are another request when one of them differs, and refused again when they are wrong', () => {
    const texts = [{ seed: 1 }, { seed: '1' }, { seed: null }, {}, { seed: 1, texture: true }];
    for (const fields of [...texts, ...texts]) {
      const { success, data } = parseFormFields(fields, { bytes: 300 });
      expect({ success, data }).toEqual({
        success: MeshRequest.safeParse(fields).success,
        data: MeshRequest.safeParse(fields).data,
      });
    }
  });

  test('are not remembered of a form that has more than 4 KiB of them', () => {
    const first = parseFormFields({ seed: 7 }, { bytes: 4097 }).data;
    expect(parseFormFields({ seed: 7 }, { bytes: 4097 }).data).not.toBe(first);
  });
});

test('a key is that of its own input, however often and in whatever order requests come', async () => {
  const requests = [MeshRequest.parse({}), MeshRequest.parse({ seed: 1 }), MeshRequest.parse({ output_format: 'stl' })];
  const cases = requests.flatMap((request) =>
    [imageA, imageB].flatMap((imageSha256) => ['shared', 'acme'].map((scope) => ({ request, imageSha256, scope }))),
  );
  const keys = new Set<string>();
  for (const { request, imageSha256, scope } of [...cases, ...cases.toReversed()]) {
    const plan = await planJob(request, { model, input: { imageSha256 }, scope, tenant: 'acme' });
    expect(plan.key).toBe(await requestKey({ model, imageSha256, params: plan.params, scope, nonce: null }));
    keys.add(plan.key);
  }
  expect(keys.size).toBe(cases.length);
});

test('a request that must not be found again has another key each time', async () => {
  const request = MeshRequest.parse({ cache: { mode: 'no_store' } });
  const of = { model, input: { imageSha256: imageA }, scope: 'shared', tenant: 'acme' };
  expect((await planJob(request, of)).key).not.toBe((await planJob(request, of)).key);
});
