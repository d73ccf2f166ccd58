import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { sha256 } from '../../contract/digest.ts';
import type { NewBlob } from '../../edge/store/blobs.ts';
import { openStores } from '../../edge/store/stores.ts';
import { failing, faultyR2, pulledStream } from './faulty-storage.ts';
import { someBytes } from './stored-asset.ts';

const { blobs } = openStores(env);

type Sent = { blob: NewBlob; bytes: Uint8Array<ArrayBuffer>; left: () => number };

/** A blob on its way in; `left` tells how much of the body nobody has read. */
async function sent(length: number, options: Partial<NewBlob> & { seed?: number } = {}): Promise<Sent> {
  const { seed = 1, ...declared } = options;
  const bytes = someBytes(length, seed);
  let left = length;
  const body = pulledStream(length, bytes, (pulled) => (left -= pulled));
  const digest = await sha256(bytes);
  const blob = { sha256: digest, bytes: length, mediaType: 'model/gltf-binary', body, ...declared };
  return { blob, bytes, left: () => left };
}

test('a blob is stored under its digest with its media type', async () => {
  const { blob, bytes } = await sent(3000);
  expect(await blobs.put(blob)).toEqual({ stored: true });
  const object = await env.STORE.get(`blobs/${blob.sha256}`);
  expect(new Uint8Array((await object?.arrayBuffer()) ?? new ArrayBuffer())).toEqual(bytes);
  expect(await blobs.head(blob)).toEqual({ bytes: 3000, mediaType: 'model/gltf-binary' });
});

test('a repeat changes nothing and its body is not read', async () => {
  const first = await sent(3000, { seed: 2 });
  await blobs.put(first.blob);
  const again = await sent(3000, { seed: 2, mediaType: 'text/html' });
  expect(await blobs.put(again.blob)).toEqual({ stored: false });
  expect(again.left()).toBe(3000);
  expect((await blobs.head(first.blob))?.mediaType).toBe('model/gltf-binary');
});

test('of eight writers at once one stores', async () => {
  const writers = await Promise.all(Array.from({ length: 8 }, () => sent(3000, { seed: 3 })));
  const receipts = await Promise.all(writers.map(({ blob }) => blobs.put(blob)));
  expect(receipts.filter(({ stored }) => stored)).toHaveLength(1);
});

test('bytes of another digest are refused and not stored', async () => {
  const { blob } = await sent(3000, { seed: 4, sha256: 'a'.repeat(64) });
  await expect(blobs.put(blob)).rejects.toMatchObject({ code: 'digest_mismatch', status: 422 });
  expect(await blobs.head(blob)).toBeNull();
});

test.each([2999, 3001])('3000 bytes declared as %i are refused and not stored', async (bytes) => {
  const { blob } = await sent(3000, { seed: 5, bytes });
  await expect(blobs.put(blob)).rejects.toMatchObject({ code: 'digest_mismatch' });
  expect(await blobs.head(blob)).toBeNull();
});

test('a body that breaks off stores nothing and is not called a lie', async () => {
  const body = new ReadableStream<Uint8Array>({
    type: 'bytes',
    start: (controller) => controller.enqueue(someBytes(1000)),
    pull: (controller) => controller.error(new Error('connection lost')),
  });
  const { blob } = await sent(3000, { seed: 6, body });
  const failure = await blobs.put(blob).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(Error);
  expect(failure).not.toMatchObject({ code: 'digest_mismatch' });
  expect(await blobs.head(blob)).toBeNull();
});

test('a failure of R2 itself is passed on', async () => {
  const put = failing('put: internal error (10001)');
  const { blob } = await sent(3000, { seed: 7 });
  const faulty = openStores({ ...env, STORE: faultyR2(env.STORE, { put }) });
  await expect(faulty.blobs.put(blob)).rejects.toThrow('10001');
});

test('a private blob lies under its own mesh', async () => {
  const { blob } = await sent(3000, { seed: 8, privateTo: 'b'.repeat(64) });
  await blobs.put(blob);
  expect(await blobs.head(blob)).not.toBeNull();
  expect(await blobs.head({ sha256: blob.sha256 })).toBeNull();
  expect(await env.STORE.head(`private/${'b'.repeat(64)}/${blob.sha256}`)).not.toBeNull();
});
