import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MeshkilnError } from '../../client/meshkiln-error.ts';
import { sha256 } from '../../contract/digest.ts';
import { emoji, startMeshkiln, type Running } from './meshkiln.ts';

let running: Running;

beforeAll(async () => {
  running = await startMeshkiln();
});
afterAll(() => running.close());

function postDigest(digest: string): Promise<Response> {
  return fetch(`${running.edgeUrl}/v1/meshes`, {
    method: 'POST',
    headers: { authorization: `Bearer ${running.settings.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ image: { sha256: digest } }),
  });
}

test('a large picture is sent once; from then on its digest is enough', async () => {
  const large = await sharp(await emoji('1f9f8'))
    .resize(1200)
    .png({ compressionLevel: 0 })
    .toBuffer();
  const picture = new Uint8Array(large);
  expect(picture.length).toBeGreaterThan(256 * 1024);
  const digest = await sha256(picture);
  const unknown = await postDigest(digest);
  expect([unknown.status, await unknown.json()]).toMatchObject([409, { error: { code: 'image_required' } }]);

  const made = await running.client.wait(await running.client.create(picture));
  const known = await postDigest(digest);
  expect([known.status, await known.json()]).toMatchObject([200, { id: made.id, cache: { status: 'hit' } }]);
});

test('an opaque picture has its background removed by the matting model', async () => {
  const onGrey = await sharp(await emoji('1f9f8'))
    .flatten({ background: '#8fb4d8' })
    .extend({
      top: 40,
      bottom: 40,
      left: 40,
      right: 40,
      background: '#8fb4d8',
    });
  const mesh = await running.client.wait(await running.client.create(new Uint8Array(await onGrey.jpeg().toBuffer())));
  expect(mesh.asset?.watertight).toBe(true);
  const [least, most] = mesh.asset?.bounds ?? [[0], [0]];
  // The bear is about as wide as it is high: the picture's rectangle did not become a slab.
  expect((most?.[2] ?? 0) - (least?.[2] ?? 0)).toBeGreaterThan(0.03);
});

test('a picture in which nothing stands out is refused, not made into a slab', async () => {
  const plain = sharp({ create: { width: 256, height: 256, channels: 3, background: '#8fb4d8' } });
  const picture = new Uint8Array(await plain.png().toBuffer());
  const refused = running.client.create(picture).then((asked) => running.client.wait(asked));
  await expect(refused).rejects.toBeInstanceOf(MeshkilnError);
  await expect(refused).rejects.toMatchObject({ code: 'unprocessable_image' });
});
