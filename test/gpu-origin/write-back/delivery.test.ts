import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { digestOf } from '../../../gpu-origin/digest.ts';
import { Delivery } from '../../../gpu-origin/write-back/delivery.ts';
import type { CallEdge } from '../../../gpu-origin/write-back/edge-client.ts';
import { Outbox } from '../../../gpu-origin/write-back/outbox.ts';
import type { Outcome } from '../../../gpu-origin/write-back/outcome.ts';
import type { Shipment } from '../../../gpu-origin/write-back/shipment.ts';
import { jobFor } from '../support/send-job.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'delivery-'));
});
afterEach(() => rm(folder, { recursive: true }));

const asset = new Uint8Array([1, 2, 3]);
const { key } = jobFor(asset);
const blob = { key, scope: 'shared', sha256: digestOf(asset), mediaType: 'model/gltf-binary' };

/** A delivery to an edge that answers as it is told, and the paths that were called. */
async function createDelivery(answer: (path: string, call: number) => number = () => 200) {
  const outbox = new Outbox({ folder, bytesMax: 1e6, onDropped: async () => undefined });
  await outbox.recover();
  const paths: string[] = [];
  const callEdge: CallEdge = async ({ path }) => {
    paths.push(path.split('/')[2] ?? '');
    return { status: answer(path, paths.length), bytes: new Uint8Array(), retryAfterMs: null };
  };
  const gone: string[] = [];
  const delivery = new Delivery({ outbox, callEdge, onGone: (outcome) => void gone.push(outcome) });
  return { outbox, delivery, paths, gone };
}

/** A shipment of one file, whose bytes are a copy of those that were uploaded. */
function shipmentWith(upload: Promise<Outcome> | null, fence = 1): Shipment {
  const { sha256, mediaType } = blob;
  const file = { sha256, mediaType, bytes: asset.byteLength, content: asset.slice(), upload };
  const result = { outcome: 'completed', fence, manifest: { thumbnail: null } } as unknown as Shipment['result'];
  return { key, scope: 'shared', result, files: [file], finishedAtMs: Date.now(), attempt: null };
}

test('a copy of a file that went ahead needs no second upload, and its result is sent at once', async () => {
  const { delivery, paths, gone } = await createDelivery();
  const upload = delivery.sendAhead(blob, asset);
  expect(upload).not.toBeNull();
  expect(await delivery.sendAtOnce(shipmentWith(upload))).toBeNull();
  expect([paths, gone]).toEqual([['blobs', 'results'], ['delivered']]);
});

test('a result whose file did not go ahead waits for the disk, and then brings the file', async () => {
  const { outbox, delivery, paths } = await createDelivery();
  const shipment = shipmentWith(null);
  expect(delivery.sendAtOnce(shipment)).toBeNull();
  await outbox.add(shipment);
  delivery.kick();
  await vi.waitFor(() => expect(outbox.entries.size).toBe(0));
  expect(paths).toEqual(['blobs', 'results']);
});

test('after a failed attempt, or under a newer fence, an upload that went ahead counts no more', async () => {
  const { outbox, delivery, paths } = await createDelivery((_path, call) => (call === 2 ? 503 : 200));
  const first = delivery.sendAhead(blob, asset);
  const left = await delivery.sendAtOnce(shipmentWith(first));
  expect(left?.attempt).not.toBeNull();
  if (left === null) return;
  await outbox.add(left);
  await outbox.update(key, (result) => ({ ...result, fence: 2 }));
  expect(outbox.entries.get(key)).toMatchObject({ attempt: null, files: [{ upload: null, content: null }] });
  delivery.kick();
  await vi.waitFor(() => expect(outbox.entries.size).toBe(0));
  expect(paths).toEqual(['blobs', 'results', 'blobs', 'results']);
});
