import { expect, test } from 'vitest';
import { geometryKey, isUnrepeatable, meshParams, pictureKey, requestKey } from '../../contract/key.ts';
import { MeshRequest } from '../../contract/request.ts';
import { bisque } from '../origin-report.ts';

/*
 * Every key as the code of commit 344457d made it, with pipeline version 3: what is stored under one is found under no other. A refactoring leaves the record
 * as it is.
 */

const field = {
  ...bisque,
  id: 'field@1',
  digest: '2'.repeat(64),
  family: 'triplane-field',
  uses: ['seed', 'mc_resolution'],
  defaults: { mc_resolution: 192 },
} as const;
const seeded = { ...field, id: 'seeded@1', uses: ['seed'], defaults: {} } as const;

const values: Record<string, readonly unknown[]> = {
  output_format: ['glb', 'obj', 'stl', 'ply'],
  remove_background: ['auto', true, false],
  foreground_ratio: [0.5, 0.9, 1],
  texture: [false],
  texture_resolution: [256, 512, 2048],
  target_face_count: [100, 300_000],
  compression: ['quantize', 'meshopt', 'draco'],
  largest_dimension_mm: [1, 60.5, 1000],
  mc_resolution: [32, 192, 512],
  seed: [0, 7, 2 ** 32 - 1],
  priority: ['batch'],
  metadata: [{ order: '7' }],
  cache: [{ mode: 'refresh' }, { mode: 'no_store' }, { scope: 'private' }, { tags: ['shop'] }],
};

/** Each field by itself, in each format. */
const requests = ['glb', 'obj', 'stl', 'ply'].flatMap((output_format) =>
  Object.entries(values).flatMap(([name, some]) => some.map((value) => ({ output_format, [name]: value }))),
);

test('every field, in every format and for every kind of model, gives the keys that it gave', async () => {
  const record: string[] = [];
  for (const model of [bisque, field, seeded]) {
    for (const fields of requests) {
      const read = MeshRequest.safeParse(fields);
      const asked = `${model.id} ${JSON.stringify(fields)}`;
      if (!read.success) {
        record.push(`${asked} is refused`);
        continue;
      }
      const named = {
        model: { ...model, uses: [...model.uses] },
        params: meshParams(read.data, { ...model, uses: [...model.uses] }),
      };
      const request = await requestKey({ ...named, imageSha256: 'b'.repeat(64), scope: 'shared', nonce: null });
      const surface = await geometryKey({ ...named, pixelsSha256: 'c'.repeat(64), scope: 'shared' });
      const repeatable = isUnrepeatable(read.data, named.model) ? 'never again' : 'again';
      record.push(`${asked} ${repeatable} ${request} ${surface}`);
    }
  }
  const params = meshParams(MeshRequest.parse({}), { ...bisque });
  const owned = { model: bisque, params, scope: 'tenant-1' };
  record.push(`private ${await requestKey({ ...owned, imageSha256: 'b'.repeat(64), nonce: null })}`);
  record.push(`private surface ${await geometryKey({ ...owned, pixelsSha256: 'c'.repeat(64) })}`);
  record.push(`nonce ${await requestKey({ ...owned, imageSha256: 'b'.repeat(64), nonce: 'e'.repeat(32) })}`);
  for (const scope of ['shared', 'tenant-1'])
    record.push(`picture ${await pictureKey({ promptSha256: 'd'.repeat(64), scope })}`);
  await expect(`${record.join('\n')}\n`).toMatchFileSnapshot('recorded/keys.txt');
});
