import { env, exports } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { canonicalJson } from '../../contract/canonical-json.ts';
import { sha256 } from '../../contract/digest.ts';
import { manifestOf } from '../mesh-manifest.ts';
import { dataUrl, picture } from './client.ts';
import { edgeUrl, networkOfEachTest, originCall, putResult, type SentJob } from './fake-origin.ts';
import { theJob } from './making.ts';
import { testKeys } from './secrets.ts';

/*
 * Every job, stored manifest and public answer as the code of commit 344457d gave them, with pipeline version 3. A
 * refactoring leaves the record as it is; a change that is meant to alter an answer records it anew (`npx vitest run -u`
 * of this file), and its diff shows how.
 */

const network = networkOfEachTest();

type Json = Record<string, unknown>;
type Asked = {
  key?: string | null;
  form?: Record<string, string>;
  json?: Json;
  /** A body that is sent as it stands, as JSON. */
  text?: string;
  method?: string;
  path?: string;
  headers?: Record<string, string>;
};

const waiting = { prefer: 'wait=30' };
/** The same bytes in each run, unlike those that `picture` gives; another number is another picture. */
function recordedPicture(number: number): Uint8Array<ArrayBuffer> {
  return picture().fill(number, 40);
}

function requestOf(
  { key = testKeys.acme, form, json, text, path = '/v1/meshes', ...asked }: Asked,
  image?: Uint8Array,
) {
  const headers = new Headers(asked.headers);
  if (key !== null && !headers.has('authorization')) headers.set('authorization', `Bearer ${key}`);
  let body: BodyInit | null = text ?? (json === undefined ? null : JSON.stringify(json));
  if (body !== null) headers.set('content-type', 'application/json');
  if (form !== undefined) {
    body = new FormData();
    if (image) body.set('image', new File([new Uint8Array(image)], 'picture.png'));
    for (const [name, value] of Object.entries(form)) body.set(name, value);
  }
  return new Request(edgeUrl + path, { method: asked.method ?? (body === null ? 'GET' : 'POST'), headers, body });
}

/** A value without what differs from run to run: times, ages, request ids, signatures of URLs. */
function lasting(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lasting);
  if (typeof value === 'string') {
    return value
      .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<uuid>')
      .replaceAll(/"(\w+_at|age_s)":\d+/g, '"$1":<number>')
      .replaceAll(/([?&](?:expires|signature)=)[^&"]+/g, '$1<signed>');
  }
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      const isTime = /(_at|_s|AtSeconds)$|^(fence|trace)$/.test(name) && inner !== null;
      return [name, isTime ? `<${typeof inner}>` : lasting(inner)];
    }),
  );
}

async function told(answer: Response): Promise<unknown> {
  const headers = Object.fromEntries(
    [...answer.headers].filter(([name]) => !['date', 'last-modified', 'server-timing'].includes(name)),
  );
  const text = await answer.text();
  const isJson = (headers['content-type'] ?? '').includes('json') && text !== '';
  return lasting({ status: answer.status, headers, body: isJson ? JSON.parse(text) : text });
}

/** Media type and ending of each format, said anew: a table that changed would change what it is compared with. */
const files = {
  glb: { mediaType: 'model/gltf-binary', extension: 'glb' },
  obj: { mediaType: 'application/zip', extension: 'zip' },
  stl: { mediaType: 'model/stl', extension: 'stl' },
  ply: { mediaType: 'application/x-ply', extension: 'ply' },
} as const;

/** Writes a mesh back as an origin does, of bytes that depend on the key alone. */
async function writeBack({ job, originId }: SentJob): Promise<void> {
  const { mediaType, extension } = files[job.params.output_format];
  const body = new TextEncoder().encode(`mesh of ${job.key}`);
  const blob = `/origin/blobs/${await sha256(body)}${job.scope === 'shared' ? '' : `?key=${job.key}`}`;
  expect((await originCall('PUT', blob, { body, contentType: mediaType, originId })).status).toBe(200);
  const manifest = await manifestOf(job, body);
  const asset = { ...manifest.asset, mediaType, extension };
  const result = { outcome: 'completed', fence: job.fence, manifest: { ...manifest, asset } } as const;
  expect((await putResult(job.key, result, originId)).status).toBe(200);
}

/** A job with its members in order of their names: the order in which it is written means nothing. */
const ordered = (job: SentJob['job']): unknown => JSON.parse(canonicalJson(job));

/** One request's answer; of a miss the job too, and the manifest that is stored of it. */
async function exchange(asked: Asked, image?: Uint8Array): Promise<unknown> {
  const answer = exports.default.fetch(requestOf(asked, image));
  const sent = await Promise.race([answer.then(() => null), theJob(network).catch(() => null)]);
  if (sent === null) return { answer: await told(await answer) };
  network.jobs.length = 0;
  await writeBack(sent);
  const kept = await env.STORE.get(`meshes/${sent.job.key}.json`);
  const exchanged = {
    job: lasting(ordered(sent.job)),
    manifest: lasting(await kept?.json()),
    answer: await told(await answer),
  };
  if (sent.job.expiresInSeconds === null) return exchanged;
  // A key and a seed that are made of chance, and all that is named by the key.
  const unnamed = JSON.stringify(exchanged).replaceAll(/[0-9a-f]{64}/g, '<sha256>');
  return JSON.parse(asked.json?.seed === null ? unnamed.replaceAll(/"seed":\d+/g, '"seed":"<seed>"') : unnamed);
}

/** Each field of a form, in each value that changes the key or should not. */
const forms: Record<string, string>[] = [
  {},
  ...['glb', 'obj', 'stl', 'ply', 'usdz'].map((output_format) => ({ output_format })),
  ...['auto', 'true', 'false', 'yes'].map((remove_background) => ({ remove_background })),
  ...['0.5', '0.9', '1', '0.49'].map((foreground_ratio) => ({ foreground_ratio })),
  ...['true', 'false', 'no'].map((texture) => ({ texture })),
  ...['256', '2048', '300'].map((texture_resolution) => ({ texture_resolution })),
  ...['100', '300000', '99', 'null'].map((target_face_count) => ({ target_face_count })),
  ...['quantize', 'meshopt', 'draco', 'zip'].map((compression) => ({ compression })),
  ...['1', '60.5', '1000', '0'].map((largest_dimension_mm) => ({ largest_dimension_mm })),
  ...['32', '512', '31'].map((mc_resolution) => ({ mc_resolution })),
  ...['0', '7', '-1', 'null'].map((seed) => ({ seed })),
  { output_format: 'stl', compression: 'draco' },
  { output_format: 'obj', texture: 'false', texture_resolution: '512' },
  { output_format: 'ply', texture: 'false', texture_resolution: '512', target_face_count: '5000' },
  { model: 'bisque' },
  { model: 'bisque@1' },
  { model: 'seeded', seed: '7' },
  { model: 'seeded', seed: '8', mc_resolution: '64' },
  { model: 'seeded@2', mc_resolution: '64', output_format: 'ply' },
  { model: 'matte' },
  { model: 'nobody' },
  { priority: 'batch', metadata: '{"order":"7"}' },
  { metadata: '{"order":7}' },
  { cache_mode: 'only_if_cached' },
  { cache_mode: 'only_if_cached', foreground_ratio: '0.77' },
  { cache_mode: 'refresh' },
  { cache_mode: 'no_store' },
  { cache_mode: 'never' },
  { cache_scope: 'private' },
  { cache_scope: 'shared' },
  { cache_tags: '["shop"]' },
  { cache_tags: 'shop' },
  { webhook_url: 'http://plain.example' },
  { image_url: 'https://picture.example' },
];

// Some 35 meshes are made in turn.
test('forms', { timeout: 90_000 }, async () => {
  const image = recordedPicture(1);
  const record: Record<string, unknown> = {};
  for (const form of forms) record[JSON.stringify(form)] = await exchange({ form, headers: waiting }, image);
  await expect(asText(record)).toMatchFileSnapshot('recorded/forms.txt');
});

test('bodies and callers', async () => {
  const image = dataUrl(recordedPicture(2));
  const known = { sha256: await sha256(recordedPicture(2)) };
  const asked: Record<string, Asked> = {
    'a data URL': { json: { image } },
    'a digest': { json: { image: known, output_format: 'stl' } },
    'an unknown digest': { json: { image: { sha256: 'f'.repeat(64) } } },
    'a null seed': { json: { image, seed: null } },
    'a null seed of a model that uses it': { json: { image, model: 'seeded', seed: null } },
    'tags and metadata': { json: { image, texture: false, cache: { tags: ['a', 'b'] }, metadata: { a: 'b' } } },
    'private by the request': { json: { image, cache: { scope: 'private' } } },
    'private by the key': { json: { image }, key: testKeys.initech },
    'private, again': { json: { image }, key: testKeys.initech },
    'shared by the request': { json: { image, cache: { scope: 'shared' } }, key: testKeys.initech },
    'a refresh by an operator': { json: { image, cache: { mode: 'refresh' } }, key: testKeys.globex },
    no_store: { json: { image, cache: { mode: 'no_store' } } },
    'a prompt that no origin draws': { json: { prompt: 'a teapot' } },
    'a prompt of spaces': { json: { prompt: '  ' } },
    'a prompt and an image': { json: { prompt: 'a teapot', image } },
    neither: { json: {} },
    'no picture in a form': { form: {} },
    'an unknown field': { json: { image, colour: 'red' } },
    'a nested unknown field': { json: { image, cache: { colour: 'red' } } },
    'not JSON': { text: '{' },
    'not an object': { text: '[]' },
    'not base64': { json: { image: 'data:image/png;base64,?' } },
    'not a picture': { json: { image: 'data:image/png;base64,AAAA' } },
    'an http URL': { json: { image: 'http://picture.example/a.png' } },
    'no body': { method: 'POST', headers: { 'content-type': 'application/json' } },
    'another type of body': { method: 'POST', headers: { 'content-type': 'text/plain' } },
    'no key': { json: { image }, key: null },
    'an unknown key': { json: { image }, key: 'mk_test_nobody' },
    'a key without the scope': { json: { image }, key: testKeys.admin },
    'a wait that is too long': { json: { image }, headers: { prefer: 'wait=600' } },
    'an answer as the mesh itself': { json: { image }, headers: { accept: 'model/gltf-binary' } },
    'an answer that cannot be': { json: { image }, headers: { accept: 'text/html' } },
    'an idempotency key': { json: { image }, headers: { 'idempotency-key': 'abc' } },
    'a request id': { json: { image }, headers: { 'x-request-id': 'mine.1' } },
    'an origin of a browser': { json: { image }, headers: { origin: 'https://shop.example' } },
    'a preflight': {
      method: 'OPTIONS',
      headers: { origin: 'https://a.example', 'access-control-request-method': 'POST' },
    },
    'another method': { method: 'PATCH' },
  };
  const record: Record<string, unknown> = {};
  for (const [name, { headers, ...rest }] of Object.entries(asked)) {
    record[name] = await exchange({ ...rest, headers: { ...waiting, ...headers } });
  }
  await expect(asText(record)).toMatchFileSnapshot('recorded/bodies-and-callers.txt');
});

test('reads', async () => {
  const made = exports.default.fetch(requestOf({ form: {}, headers: waiting }, recordedPicture(3)));
  await writeBack(await theJob(network));
  const { id, asset } = await (await made).json<{ id: string; asset: { url: string; sha256: string } }>();
  const file = new URL(asset.url).pathname;
  const mesh = `/v1/meshes/${id}`;
  const asked: Record<string, Asked> = {
    'a mesh': { path: mesh },
    'a mesh of nobody': { path: `/v1/meshes/mesh_${'0'.repeat(64)}` },
    'not an id': { path: '/v1/meshes/mesh_1' },
    'its content': { path: `${mesh}/content` },
    'a thumbnail that it has not': { path: `${mesh}/thumbnail` },
    'its events': { path: `${mesh}/events` },
    'a cancellation of what is made': { path: `${mesh}/cancel`, method: 'POST' },
    'its bytes': { path: file, key: null },
    'its bytes, a head': { path: file, key: null, method: 'HEAD' },
    'its bytes, a range': { path: file, key: null, headers: { range: 'bytes=1-4' } },
    'its bytes, past the end': { path: file, key: null, headers: { range: 'bytes=9999-' } },
    'its bytes, unchanged': { path: file, key: null, headers: { 'if-none-match': `"${asset.sha256}"` } },
    'its bytes, another': { path: file, key: null, headers: { 'if-match': '"other"' } },
    'its bytes under another ending': { path: file.replace('.glb', '.stl'), key: null },
    'its bytes, another method': { path: file, key: null, method: 'PUT' },
    'bytes of nobody': { path: `/assets/${'0'.repeat(64)}.glb`, key: null },
    'not a file': { path: '/assets/a.glb', key: null },
    'the models': { path: '/v1/models' },
    'a model': { path: '/v1/models/default' },
    'no model': { path: '/v1/models/nobody' },
    'usage without a key': { path: '/v1/usage', key: null },
    health: { path: '/healthz', key: null },
    readiness: { path: '/readyz', key: null },
    nowhere: { path: '/v2/meshes', key: null },
    'a purge by a stranger': { path: '/admin/purge', json: { id } },
    'a purge of nothing named': { path: '/admin/purge', json: {}, key: testKeys.admin },
    'a purge': { path: '/admin/purge', json: { id }, key: testKeys.admin },
    'what was purged': { path: mesh },
    'the bytes of what was purged': { path: file, key: null },
    'a deletion by no key': { path: mesh, method: 'DELETE', key: null },
    'a deletion of a shared mesh': { path: mesh, method: 'DELETE' },
  };
  const record: Record<string, unknown> = {};
  for (const [name, one] of Object.entries(asked))
    record[name] = { answer: await told(await exports.default.fetch(requestOf(one))) };
  await expect(asText(record)).toMatchFileSnapshot('recorded/reads.txt');
});

function asText(record: Record<string, unknown>): string {
  return `${JSON.stringify(record, null, 1)}\n`;
}
