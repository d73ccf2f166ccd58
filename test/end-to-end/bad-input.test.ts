import { request } from 'node:http';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ErrorBody } from '../../contract/problem.ts';
import { sha256 } from '../../contract/digest.ts';
import { sign } from '../../contract/signature.ts';
import { localOriginId } from '../../local/settings.ts';
import { emoji, originCounter, post, startMeshkiln, type Running } from './meshkiln.ts';

let running: Running;
let bear: Uint8Array<ArrayBuffer>;

beforeAll(async () => {
  running = await startMeshkiln();
  bear = await emoji('1f9f8');
});
afterAll(() => running.close());

/** Names of the objects that R2 holds as files. */
async function storedObjects(): Promise<string[]> {
  const folder = join(running.stateFolder, 'edge');
  return (await readdir(folder, { recursive: true })).filter((path) => /\/r2\/.*\/blobs\//.test(path)).toSorted();
}

/** A PNG that says it is 30,000 × 30,000 pixels, in its first 33 bytes. */
function hugePng(): Uint8Array<ArrayBuffer> {
  const header = Buffer.alloc(33);
  Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex').copy(header);
  header.writeUInt32BE(30_000, 16);
  header.writeUInt32BE(30_000, 20);
  header.set([8, 6, 0, 0, 0], 24);
  return new Uint8Array(header);
}

type Case = {
  name: string;
  picture?: () => Uint8Array<ArrayBuffer>;
  fields?: Record<string, string>;
  headers?: Record<string, string>;
  expected: { status: number; code: string; param: string | null };
};

const cases: Case[] = [
  {
    name: 'not an image',
    picture: () => new TextEncoder().encode('this is a text'.repeat(100)),
    expected: { status: 400, code: 'invalid_image', param: 'image' },
  },
  {
    name: 'no bytes',
    picture: () => new Uint8Array(0),
    expected: { status: 400, code: 'invalid_image', param: 'image' },
  },
  {
    name: '30,000 × 30,000 pixels',
    picture: hugePng,
    expected: { status: 400, code: 'image_too_many_pixels', param: 'image' },
  },
  {
    name: 'an unknown field',
    fields: { colour: 'red' },
    expected: { status: 400, code: 'unknown_parameter', param: 'colour' },
  },
  {
    name: 'a wrong type',
    fields: { target_face_count: 'many' },
    expected: { status: 400, code: 'invalid_parameter', param: 'target_face_count' },
  },
  {
    name: 'a wrong key',
    headers: { authorization: 'Bearer mk_wrong' },
    expected: { status: 401, code: 'invalid_api_key', param: null },
  },
];

test.each(cases)('$name has its own error, and nothing is stored', async ({ picture, fields, headers, expected }) => {
  const before = await storedObjects();
  const answer = await post(running, picture?.() ?? bear, { ...(fields && { fields }), ...(headers && { headers }) });
  const { error } = (await answer.json()) as ErrorBody;
  expect({ status: answer.status, code: error.code, param: error.param }).toEqual(expected);
  expect(error.message).toMatch(/\w/);
  expect(await storedObjects()).toEqual(before);
});

test('101 MB are refused by their declared length, and nothing is stored', async () => {
  const before = await storedObjects();
  const { status, text } = await postDeclared(101_000_000);
  expect([status, JSON.parse(text)]).toMatchObject([413, { error: { code: 'body_too_large' } }]);
  expect(await storedObjects()).toEqual(before);
});

/** Begins to send a form of so many bytes, and reads the answer, which comes before all of them were taken. */
function postDeclared(bytes: number): Promise<{ status: number | undefined; text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number | undefined; text: string }>();
  const headers = {
    authorization: `Bearer ${running.settings.apiKey}`,
    'content-type': 'multipart/form-data; boundary=b',
    'content-length': bytes,
  };
  const call = request(`${running.edgeUrl}/v1/meshes`, { method: 'POST', headers }, (answer) => {
    let text = '';
    answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    answer.on('end', () => resolve({ status: answer.statusCode, text }));
  });
  call.on('error', reject);
  // As curl does, it waits after the first of them: the edge closes the connection once it has answered.
  call.write(Buffer.alloc(64 * 1024));
  return promise.finally(() => call.destroy());
}

test('a truncated image fails as the image’s own fault, and no mesh is stored', async () => {
  const answer = await post(running, bear.slice(0, bear.length / 2), { headers: { prefer: 'wait=30' } });
  expect([answer.status, await answer.json()]).toMatchObject([
    400,
    { error: { code: 'invalid_image', param: 'image' } },
  ]);
  expect(await originCounter(running, 'meshkiln_origin_jobs_total', 'outcome="completed"')).toBe(0);
});

test('an unsigned or replayed origin call is refused before anything is stored', async () => {
  const body = new TextEncoder().encode('not a mesh');
  const digest = await sha256(body);
  const path = `/origin/blobs/${digest}`;
  const headers = await sign(
    { method: 'PUT', path, bodySha256: digest, bodyBytes: body.length, job: '' },
    { originId: localOriginId, secret: running.settings.originSecret },
  );
  const put = (given: Record<string, string>) =>
    fetch(running.edgeUrl + path, { method: 'PUT', headers: { ...given, 'content-type': 'model/gltf-binary' }, body });
  const before = await storedObjects();

  const unsigned = await put({});
  expect([unsigned.status, await unsigned.json()]).toMatchObject([401, { error: { code: 'invalid_signature' } }]);
  const forged = await put({ ...headers, 'meshkiln-nonce': 'f'.repeat(32) });
  expect(forged.status).toBe(401);
  expect(await storedObjects()).toEqual(before);

  expect((await put(headers)).status).toBe(200);
  const stored = await storedObjects();
  expect(stored.length).toBeGreaterThan(before.length);
  const replayed = await put(headers);
  expect([replayed.status, await replayed.json()]).toMatchObject([401, { error: { code: 'invalid_signature' } }]);
  expect(await storedObjects()).toEqual(stored);
});
