import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeEach, expect, test, vi } from 'vitest';
import { createApp } from '../../edge/app.ts';
import type { Env } from '../../edge/env.ts';
import type { RateLimiters } from '../../edge/access/rate-limits.ts';
import { counterKey } from '../../edge/stats/counts.ts';
import type { Recorder } from '../../edge/stats/recorder.ts';
import type { MeshObject } from '../../contract/mesh.ts';
import { bisque } from '../origin-report.ts';
import { call, dataUrl, mesh, picture, post } from './client.ts';
import { edgeUrl, networkOfEachTest, report } from './fake-origin.ts';
import { make } from './making.ts';
import { testKeys } from './secrets.ts';

const network = networkOfEachTest();

/** What a request leaves behind beside its answer: counts, limits that it was held against, words to webhooks. */
let noted: unknown[] = [];
let refusing: keyof RateLimiters | null = null;
let image: Uint8Array<ArrayBuffer>;

beforeEach(async () => {
  refusing = null;
  image = picture();
  await make(network, image);
});

const recorder: Recorder = {
  count: (name, labels, by = 1) => void noted.push([counterKey(name, labels), by]),
  add: (key, by = 1) => void noted.push([key, by]),
  latency: (of) => void noted.push(of),
  flight: (...counted) => void noted.push(counted),
  failure: (counted) => void noted.push(counted),
};

const limiters = Object.fromEntries(
  (['KEY_REQUESTS', 'ADDRESS_REQUESTS', 'ANONYMOUS_REQUESTS', 'KEY_LOOKUPS'] as const).map((name) => [
    name,
    {
      async limit({ key }: RateLimitOptions) {
        noted.push([name, key]);
        return { success: refusing !== name };
      },
    },
  ]),
) as RateLimiters;

const webhooks = { getByName: () => ({ announce: async (word: unknown) => Boolean(noted.push(word)) }) };

const settings = {
  ...env,
  ...limiters,
  ANONYMOUS_TIER: 'on',
  WEBHOOKS: webhooks as unknown as Env['WEBHOOKS'],
};
const counting = { recorder, countUsage: (...counted: unknown[]) => void noted.push(counted) };
const app = createApp(settings, counting);

/** Headers of every answer that the pages of other sites may read. */
const standingHeaders = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': '*',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-request-id': expect.any(String),
};

type Fields = Record<string, string | string[]>;
type Asked = {
  key?: string | null;
  fields?: Fields;
  json?: unknown;
  body?: BodyInit;
  headers?: Record<string, string>;
  method?: string;
  at?: string;
  path?: string;
  picture?: 'held' | 'none' | 'other';
};

function requestOf({ key = testKeys.acme, fields, json, body, headers = {}, ...asked }: Asked): Request {
  const { method = 'POST', at = edgeUrl, path = '/v1/meshes', picture: which = 'held' } = asked;
  const form = new FormData();
  if (which !== 'none') form.set('image', new File([which === 'held' ? image : new Uint8Array(9)], 'picture.png'));
  for (const [name, values] of Object.entries(fields ?? {})) for (const v of [values].flat()) form.append(name, v);
  const all = new Headers(headers);
  if (key !== null && !all.has('authorization')) all.set('authorization', `Bearer ${key}`);
  if (json !== undefined) all.set('content-type', 'application/json');
  const sent = body ?? (json === undefined ? form : JSON.stringify(json));
  return new Request(at + path, { method, headers: all, body: method === 'POST' || method === 'PUT' ? sent : null });
}

/** An answer, and what it left behind, without what differs from one call to the next. */
async function told(request: Request) {
  noted = [];
  const context = createExecutionContext();
  const askedId = request.headers.get('x-request-id');
  const answer = await app.fetch(request, settings, context);
  const headers = Object.fromEntries(answer.headers);
  const isFresh = headers['x-request-id'] !== askedId;
  if (isFresh) headers['x-request-id'] = (headers['x-request-id'] ?? 'none').replace(/[0-9a-f]{8}(-[0-9a-f]+)+$/, '…');
  const text = ageless(await answer.text());
  await waitOnExecutionContext(context);
  return { status: answer.status, headers, text, noted: ageless(JSON.stringify(noted)) };
}

function ageless(text: string): string {
  return text.replaceAll(/"age_s":\d+/g, '"age_s":…');
}

/** Requests for a mesh that memory holds. Each is answered with the mesh object. */
const hits: Record<string, () => Asked> = {
  'a form': () => ({}),
  'a form over http': () => ({ at: 'http://edge.example' }),
  'another host': () => ({ at: 'https://other.example:8443' }),
  'a form with fields that change nothing': () => ({ fields: { model: 'default', seed: '0', priority: 'batch' } }),
  'a JSON body': () => ({ json: { image: dataUrl(image) } }),
  'a picture by its digest': () => ({ picture: 'none', fields: { image_sha256: digest } }),
  metadata: () => ({ fields: { metadata: '{"shelf":"4 \\"é"}' } }),
  tags: () => ({ fields: { cache_tags: '["a","b"]' } }),
  only_if_cached: () => ({ fields: { cache_mode: 'only_if_cached' } }),
  'Prefer: wait': () => ({ headers: { prefer: 'respond-async, wait=500' } }),
  'a malformed Prefer': () => ({ headers: { prefer: 'wait=soon' } }),
  'Accept that likes JSON': () => ({ headers: { accept: 'application/json, model/gltf-binary;q=0.5' } }),
  'Accept of anything': () => ({ headers: { accept: '*/*' } }),
  'an idempotency key': () => ({ headers: { 'idempotency-key': digest } }),
  'a page of another site': () => ({ headers: { origin: 'https://page.example', 'sec-fetch-site': 'cross-site' } }),
  'an id and a trace': () => ({
    headers: { 'x-request-id': 'mine', traceparent: `00-${'1'.repeat(32)}-${'1'.repeat(16)}-01` },
  }),
  'a malformed id': () => ({ headers: { 'x-request-id': 'not mine' } }),
  'another tenant': () => ({ key: testKeys.globex }),
  'a key that is counted': () => ({ key: testKeys.counted }),
  'no key': () => ({ key: null, headers: { 'cf-connecting-ip': '192.0.2.1' } }),
};

/** Other requests, each with the status and the error code of its answer; null where it is no error. */
const others: readonly [name: string, status: number, code: string | null, asked: () => Asked][] = [
  ['a query', 200, null, () => ({ path: '/v1/meshes?a=1' })],
  ['a slash at the end', 404, 'not_found', () => ({ path: '/v1/meshes/' })],
  ['the path of something else', 404, 'not_found', () => ({ path: '/v1/v1/meshes' })],
  ['another method', 405, 'method_not_allowed', () => ({ method: 'PUT' })],
  ['a GET', 200, null, () => ({ method: 'GET' })],
  ['a HEAD', 200, null, () => ({ method: 'HEAD' })],
  ['a preflight', 204, null, () => ({ method: 'OPTIONS', headers: { origin: 'https://page.example' } })],
  ['Accept of the bytes', 200, null, () => ({ headers: { accept: 'model/gltf-binary' } })],
  ['Accept of neither', 406, 'not_acceptable', () => ({ headers: { accept: 'text/plain' } })],
  ['a wrong key', 401, 'invalid_api_key', () => ({ key: 'mk_wrong', headers: { 'cf-connecting-ip': '192.0.2.1' } })],
  ['a key that is none', 401, 'invalid_api_key', () => ({ headers: { authorization: 'Basic abc' } })],
  ['a key without the scope', 403, 'insufficient_scope', () => ({ key: testKeys.admin })],
  [
    'no key and the page of another site',
    401,
    'invalid_api_key',
    () => ({ key: null, headers: { 'sec-fetch-site': 'cross-site' } }),
  ],
  ['no key and metadata', 403, 'insufficient_scope', () => ({ key: null, fields: { metadata: '{"a":"b"}' } })],
  [
    'no key and a webhook',
    403,
    'insufficient_scope',
    () => ({ key: null, fields: { webhook_url: 'https://hook.example/' } }),
  ],
  [
    'no key and an idempotency key',
    403,
    'insufficient_scope',
    () => ({ key: null, headers: { 'idempotency-key': digest } }),
  ],
  ['a webhook', 200, null, () => ({ fields: { webhook_url: 'https://hook.example/' } })],
  ['a webhook of nowhere', 400, 'invalid_parameter', () => ({ fields: { webhook_url: 'https://127.0.0.1/' } })],
  [
    'what is not there and only_if_cached',
    504,
    'not_cached',
    () => ({ fields: { output_format: 'stl', cache_mode: 'only_if_cached' } }),
  ],
  [
    'a private one that is not there',
    504,
    'not_cached',
    () => ({ key: testKeys.initech, fields: { cache_mode: 'only_if_cached' } }),
  ],
  ['a refresh of what is shared', 403, 'insufficient_scope', () => ({ fields: { cache_mode: 'refresh' } })],
  ['an unknown model', 404, 'model_not_found', () => ({ fields: { model: 'nobody', cache_mode: 'only_if_cached' } })],
  ['an unknown field', 400, 'unknown_parameter', () => ({ fields: { colour: 'red' } })],
  ['a wrong value', 400, 'invalid_parameter', () => ({ fields: { seed: '-1' } })],
  ['a field twice', 400, 'invalid_parameter', () => ({ fields: { seed: ['1', '2'] } })],
  ['no picture', 400, 'missing_image', () => ({ picture: 'none' })],
  ['a picture that is none', 400, 'invalid_image', () => ({ picture: 'other' })],
  ['a picture and a prompt', 400, 'invalid_parameter', () => ({ fields: { prompt: 'a cup' } })],
  [
    'a prompt that nobody draws',
    400,
    'unsupported_parameter',
    () => ({ picture: 'none', fields: { prompt: 'a cup' } }),
  ],
  [
    'a digest of a picture that was never sent',
    409,
    'image_required',
    () => ({ json: { image: { sha256: 'a'.repeat(64) } } }),
  ],
  ['a malformed idempotency key', 400, 'invalid_parameter', () => ({ headers: { 'idempotency-key': 'two words' } })],
  [
    'a form that is cut off',
    400,
    'invalid_request',
    () => ({
      body: '--x\r\n',
      headers: { 'content-type': 'multipart/form-data; boundary=x' },
    }),
  ],
  ['JSON that is none', 400, 'invalid_request', () => ({ body: '{', headers: { 'content-type': 'application/json' } })],
  [
    'no form and no JSON',
    415,
    'unsupported_media_type',
    () => ({ body: 'image', headers: { 'content-type': 'text/plain' } }),
  ],
  ['no body', 415, 'unsupported_media_type', () => ({ body: '' })],
];

let digest = '';

beforeEach(async () => {
  digest = [...new Uint8Array(await crypto.subtle.digest('SHA-256', image))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');
  // From here on memory holds the mesh and its bytes, and an idempotency key stands for it.
  for (const headers of [{ accept: 'model/gltf-binary' }, { 'idempotency-key': digest }]) {
    await told(requestOf({ headers }));
  }
  // The tenant is noted to have sent the picture after the answer.
  const byDigest = { picture: 'none', fields: { image_sha256: digest } } as const;
  await vi.waitFor(async () => expect((await told(requestOf(byDigest))).status).toBe(200), 5000);
});

/** The counters that an answer added to, by name. */
const countsOf = ({ noted: text }: { noted: string }) =>
  notesOf(text).flatMap((note) =>
    Array.isArray(note) && /^(requests|errors|meshes)	/.test(note[0]) ? [note[0]] : [],
  );

function notesOf(text: string): unknown[] {
  return JSON.parse(text.replaceAll('…', '0')) as unknown[];
}

test.each(Object.entries(hits))('%s: a hit, however often it is asked', async (_, asked) => {
  const first = await told(requestOf(asked()));
  expect(first).toMatchObject({ status: 200, headers: standingHeaders });
  expect(first.headers).toMatchObject({ 'cache-status': 'meshkiln; hit; detail=memory', 'cache-control': 'no-store' });
  expect(first.headers['strict-transport-security'] !== undefined).toBe(requestOf(asked()).url.startsWith('https:'));
  expect(JSON.parse(first.text.replaceAll('…', '0'))).toMatchObject({ object: 'mesh', status: 'completed' });
  expect(countsOf(first)).toEqual(['requests\tPOST\t/v1/meshes\t200', 'meshes\thit\tmemory']);
  const notes = notesOf(first.noted);
  expect(notes.filter((note) => note === 'hit')).toHaveLength(1); // the latency
  expect(notes).toContainEqual([expect.any(String), expect.objectContaining({ status: 'hit', tier: 'memory' })]);
  for (let turn = 0; turn < 2; turn++) expect(await told(requestOf(asked()))).toEqual(first);
});

test.each(others)('%s: %i %s, counted once', async (name, status, code, asked) => {
  const first = await told(requestOf(asked()));
  expect(first).toMatchObject({ status, headers: name === 'a preflight' ? {} : standingHeaders });
  expect(errorOf(first.text)).toBe(code);
  const counts = countsOf(first);
  expect(counts.filter((count) => count.startsWith('requests'))).toEqual([expect.stringContaining(`\t${status}`)]);
  expect(counts.filter((count) => count.startsWith('errors'))).toEqual(code === null ? [] : [`errors\t${code}`]);
  expect(await told(requestOf(asked()))).toEqual(first);
});

test.each([
  ['KEY_REQUESTS', { key: testKeys.counted }],
  ['ADDRESS_REQUESTS', { key: testKeys.counted }],
  ['ANONYMOUS_REQUESTS', { key: null }],
  ['KEY_LOOKUPS', { key: `mk_${'0'.repeat(64)}` }],
] as const)('%s counts a request once, and refuses it', async (limiter, asked) => {
  refusing = limiter;
  const refused = await told(requestOf(asked));
  expect(refused).toMatchObject({ status: 429, headers: standingHeaders });
  expect(refused.noted.match(new RegExp(`"${limiter}"`, 'g'))).toHaveLength(1);
});

function errorOf(text: string): string | null {
  return text.startsWith('{"error"') ? (JSON.parse(text) as { error: { code: string } }).error.code : null;
}

/** What the cache did for a request that was made twice before. */
async function thirdTime(meanwhile: () => Promise<unknown>): Promise<unknown> {
  for (let i = 0; i < 2; i++) expect(await mesh(post(image))).toMatchObject({ cache: { status: 'hit' } });
  await meanwhile();
  return (await mesh(post(image))).cache.status;
}

test('a request that was made before finds that its mesh was purged since', async () => {
  const purge = { image_sha256: digest };
  const purged = () =>
    call('/admin/purge', { method: 'POST', key: testKeys.admin, body: JSON.stringify(purge) }).then(
      ({ status }) => status,
    );
  expect(await thirdTime(async () => expect(await purged()).toBe(200))).toBe('miss');
});

test('a request that was made before finds that its model was replaced since', async () => {
  const replaced = await thirdTime(async () => {
    await report('one', { models: [{ ...bisque, digest: '2'.repeat(64) }] });
    await report('two', { models: [{ ...bisque, digest: '2'.repeat(64) }] });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_000 }); // past what the isolate remembers of the origins
    await post(picture());
    await report();
  });
  expect(replaced).toBe('miss');
});

test('a mesh that its tenant took off the list is on it again when it is asked for again', async () => {
  const list = async () => (await (await call('/v1/meshes')).json<{ data: MeshObject[] }>()).data.map(({ id }) => id);
  let id = '';
  const removed = async () => {
    [id = ''] = await list();
    expect((await call(`/v1/meshes/${id}`, { method: 'DELETE' })).status).toBe(200);
    expect(await list()).not.toContain(id);
  };
  expect(await thirdTime(removed)).toBe('hit');
  await vi.waitFor(async () => expect(await list()).toContain(id));
});
