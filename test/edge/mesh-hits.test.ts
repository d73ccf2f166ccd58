import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeEach, expect, test, vi } from 'vitest';
import { createApp, createRouter } from '../../edge/app.ts';
import type { Env } from '../../edge/env.ts';
import type { RateLimiters } from '../../edge/access/rate-limits.ts';
import { answerHit, asksForMesh } from '../../edge/routes/mesh-hits.ts';
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
const { router, hits } = createRouter(settings, counting);

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

/** What an answer is, and what it left behind; what differs from one call to the next is left out. */
async function told(fetch: typeof app.fetch, request: Request) {
  noted = [];
  const context = createExecutionContext();
  const askedId = request.headers.get('x-request-id');
  const answer = await fetch(request, settings, context);
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

/** Requests for a mesh that memory holds, by whom they are answered: past the router, or by it. */
const cases: Record<'past' | 'by', Record<string, () => Asked>> = {
  past: {
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
    'an idempotency key': () => ({ headers: { 'idempotency-key': 'same' } }),
    'a page of another site': () => ({ headers: { origin: 'https://page.example', 'sec-fetch-site': 'cross-site' } }),
    'an id and a trace': () => ({
      headers: { 'x-request-id': 'mine', traceparent: `00-${'1'.repeat(32)}-${'1'.repeat(16)}-01` },
    }),
    'a malformed id': () => ({ headers: { 'x-request-id': 'not mine' } }),
    'another tenant': () => ({ key: testKeys.globex }),
    'a key that is counted': () => ({ key: testKeys.counted }),
    'no key': () => ({ key: null, headers: { 'cf-connecting-ip': '192.0.2.1' } }),
  },
  by: {
    'a query': () => ({ path: '/v1/meshes?a=1' }),
    'a slash at the end': () => ({ path: '/v1/meshes/' }),
    'the path of something else': () => ({ path: '/v1/v1/meshes' }),
    'another method': () => ({ method: 'PUT' }),
    'a GET': () => ({ method: 'GET' }),
    'a HEAD': () => ({ method: 'HEAD' }),
    'a preflight': () => ({ method: 'OPTIONS', headers: { origin: 'https://page.example' } }),
    'Accept of the bytes': () => ({ headers: { accept: 'model/gltf-binary' } }),
    'Accept of neither': () => ({ headers: { accept: 'text/plain' } }),
    'a wrong key': () => ({ key: 'mk_wrong', headers: { 'cf-connecting-ip': '192.0.2.1' } }),
    'a key that is none': () => ({ headers: { authorization: 'Basic abc' } }),
    'a key without the scope': () => ({ key: testKeys.admin }),
    'no key and the page of another site': () => ({ key: null, headers: { 'sec-fetch-site': 'cross-site' } }),
    'no key and metadata': () => ({ key: null, fields: { metadata: '{"a":"b"}' } }),
    'no key and a webhook': () => ({ key: null, fields: { webhook_url: 'https://hook.example/' } }),
    'no key and an idempotency key': () => ({ key: null, headers: { 'idempotency-key': 'same' } }),
    'a webhook': () => ({ fields: { webhook_url: 'https://hook.example/' } }),
    'a webhook of nowhere': () => ({ fields: { webhook_url: 'https://127.0.0.1/' } }),
    'what is not there and only_if_cached': () => ({ fields: { output_format: 'stl', cache_mode: 'only_if_cached' } }),
    'a private one that is not there': () => ({ key: testKeys.initech, fields: { cache_mode: 'only_if_cached' } }),
    'a refresh of what is shared': () => ({ fields: { cache_mode: 'refresh' } }),
    'an unknown model': () => ({ fields: { model: 'nobody', cache_mode: 'only_if_cached' } }),
    'an unknown field': () => ({ fields: { colour: 'red' } }),
    'a wrong value': () => ({ fields: { seed: '-1' } }),
    'a field twice': () => ({ fields: { seed: ['1', '2'] } }),
    'no picture': () => ({ picture: 'none' }),
    'a picture that is none': () => ({ picture: 'other' }),
    'a picture and a prompt': () => ({ fields: { prompt: 'a cup' } }),
    'a prompt that nobody draws': () => ({ picture: 'none', fields: { prompt: 'a cup' } }),
    'a digest of a picture that was never sent': () => ({ json: { image: { sha256: 'a'.repeat(64) } } }),
    'a malformed idempotency key': () => ({ headers: { 'idempotency-key': 'two words' } }),
    'a form that is cut off': () => ({
      body: '--x\r\n',
      headers: { 'content-type': 'multipart/form-data; boundary=x' },
    }),
    'JSON that is none': () => ({ body: '{', headers: { 'content-type': 'application/json' } }),
    'no form and no JSON': () => ({ body: 'image', headers: { 'content-type': 'text/plain' } }),
    'no body': () => ({ body: '' }),
  },
};

let digest = '';

beforeEach(async () => {
  digest = [...new Uint8Array(await crypto.subtle.digest('SHA-256', image))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');
  // From here on memory holds the mesh and its bytes, and an idempotency key stands for it.
  for (const headers of [{ accept: 'model/gltf-binary' }, { 'idempotency-key': 'same' }]) {
    await told(router.fetch, requestOf({ headers }));
  }
});

test('a request for a held mesh is answered past the router as the router answers it, and leaves the same behind', async () => {
  for (const [way, asked] of Object.entries(cases)) {
    for (const [name, options] of Object.entries(asked)) {
      const byRouter = await told(router.fetch, requestOf(options()));
      const answered = await told(app.fetch, requestOf(options()));
      expect.soft(answered, name).toEqual(byRouter);
      const request = requestOf(options());
      const itself = asksForMesh(request) ? await answerHit(request, hits) : null;
      expect.soft(itself instanceof Response, name).toBe(way === 'past');
      expect.soft(await told(app.fetch, requestOf(options())), `${name}, again`).toEqual(byRouter);
      if (way === 'past') expect.soft(byRouter.status, name).toBe(200);
    }
  }
});

test.each([
  ['KEY_REQUESTS', { key: testKeys.counted }],
  ['ADDRESS_REQUESTS', { key: testKeys.counted }],
  ['ANONYMOUS_REQUESTS', { key: null }],
  ['KEY_LOOKUPS', { key: `mk_${'0'.repeat(64)}` }],
] as const)('%s counts a request once, and refuses it, whichever way it takes', async (limiter, asked) => {
  refusing = limiter;
  const byRouter = await told(router.fetch, requestOf(asked));
  const answered = await told(app.fetch, requestOf(asked));
  expect(byRouter.status).toBe(429);
  expect(answered).toEqual(byRouter);
});

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
