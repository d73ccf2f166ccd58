import { env, exports } from 'cloudflare:workers';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { problems } from '../../contract/problem.ts';
import { createApp } from '../../edge/app.ts';
import { operationFor, operationsOf, undocumented, validator, type OpenApiDocument } from '../documented.ts';
import { attacks } from '../security/attacks.ts';
import { call, dataUrl, picture, post, postJson } from './client.ts';
import { edgeUrl, fakeNetwork, originCall, report, type Network } from './fake-origin.ts';
import { make, theJob } from './making.ts';
import { testKeys } from './secrets.ts';

const fetchDocument = (headers: Record<string, string> = {}) =>
  exports.default.fetch(`${edgeUrl}/openapi.json`, { headers });

let network: Network;
let document: OpenApiDocument;

beforeEach(async () => {
  network = fakeNetwork();
  await report();
  document = await (await fetchDocument()).json<OpenApiDocument>();
});
afterEach(() => void vi.restoreAllMocks());

test('every route that is mounted is in the document, and the reverse', () => {
  const mounted = createApp(env)
    .routes.filter(({ method }) => method !== 'ALL')
    .flatMap(({ method, path }) => pathsOf(path).map((documented) => `${method} ${documented}`));
  const documented = operationsOf(document).map(({ method, path }) => `${method} ${path}`);
  // A GET route answers HEAD too; the document says so where it matters.
  expect(documented.filter((name) => !name.startsWith('HEAD')).toSorted()).toEqual([...new Set(mounted)].toSorted());
});

test('every operation is an entry of some attack in docs/security.md', () => {
  const attacked = new Set(attacks.flatMap(({ entries }) => entries));
  const operations = operationsOf(document).map(({ method, path }) => `${method} ${path}`);
  expect(operations.filter((operation) => !attacked.has(operation))).toEqual([]);
  const named = [...attacked].filter((entry) => /^[A-Z]+ \//.test(entry));
  expect(named.filter((entry) => !operations.includes(entry))).toEqual([]);
});

/** A route's paths as OpenAPI writes them: `/a/:b{x|y}` is two paths, `/a/:b` is one with a parameter. */
function pathsOf(path: string): string[] {
  const choice = /:\w+\{([\w|]+)\}/.exec(path);
  if (choice) return (choice[1] ?? '').split('|').flatMap((value) => pathsOf(path.replace(choice[0], value)));
  return [path.replaceAll(/:(\w+)/g, '{$1}')];
}

test('every error code is one of some operation, but for those that no operation of the edge answers with', () => {
  const text = JSON.stringify(operationsOf(document).map(({ responses }) => responses));
  const absent = Object.keys(problems).filter((code) => !text.includes(`\`${code}\``));
  // An edge of npm start that is asked from elsewhere, another method's answer; what a failed mesh object says; what origins
  // answer the edge.
  expect(absent).toEqual([
    'local_only',
    'method_not_allowed',
    'queue_full',
    'mesh_failed',
    'model_failed',
    'upstream_failed',
    'draining',
  ]);
});

test('every example of an answer or of a body is as its schema says', () => {
  for (const { operationId, requestBody, responses } of operationsOf(document)) {
    const contents = [requestBody, ...Object.values(responses)].flatMap((side) => Object.values(side?.content ?? {}));
    for (const { schema, example: only, examples = {} } of contents) {
      for (const example of [...Object.values(examples).map(({ value }) => value), ...(only ? [only] : [])]) {
        expect(validator(document, schema ?? {}).safeParse(example).error, operationId).toBeUndefined();
      }
    }
  }
});

test('the document has the address it is asked at, may be kept, and is open to pages of any site', async () => {
  expect(document.openapi).toBe('3.1.1');
  expect(document.servers).toEqual([{ url: edgeUrl }]);
  expect(JSON.stringify(document)).not.toContain('meshkiln.example');
  const answer = await fetchDocument({ origin: 'https://page.example' });
  expect(answer.headers.get('access-control-allow-origin')).toBe('*');
  const etag = answer.headers.get('etag') ?? '';
  expect((await fetchDocument({ 'if-none-match': etag })).status).toBe(304);
});

type Call = [method: string, path: string, send: () => Promise<Response>];

/** Answers of these calls, made one after the other, are checked against the document; gives `operationId status` of each. */
async function checked(calls: readonly Call[]): Promise<string[]> {
  const seen: string[] = [];
  const faults: string[] = [];
  for (const [method, path, send] of calls) {
    const response = await send();
    const operation = operationFor(document, method, path.split('?')[0] ?? '');
    if (operation === undefined) throw new Error(`${method} ${path} is not in the document`);
    seen.push(`${operation.operationId} ${response.status}`);
    faults.push(...(await undocumented(document, operation, response)));
  }
  expect(faults).toEqual([]);
  return seen;
}

test('what the running edge answers to clients is what the document says', async () => {
  const get = (path: string, headers: Record<string, string> = {}): Call => [
    'GET',
    path,
    () => call(path, { headers }),
  ];
  const send = (method: string, path: string): Call => [method, path, () => call(path, { method })];
  const image = picture();
  const asked = await checked([['POST', '/v1/meshes', () => post(image)]]);
  const sent = await theJob(network);
  const path = `/v1/meshes/mesh_${sent.job.key}`;
  const open = await checked([get(path), get(`${path}/content`), get('/v1/meshes?limit=1')]);
  network.jobs.length = 0;
  const { id, asset } = await make(network, picture());
  const done = `/v1/meshes/${id}`;
  const file = `/assets/${asset?.sha256}.glb`;
  const seen = await checked([
    get(done),
    get(`${done}/content`),
    get(`${done}/content`, { range: 'bytes=0-3' }),
    get(`${done}/content`, { range: 'bytes=999999-' }),
    get(`${done}/content`, { 'if-none-match': `"${asset?.sha256}"` }),
    get(`${done}/content`, { 'if-match': '"another"' }),
    get(`${done}/thumbnail`),
    get(`${done}/events`),
    get(file),
    send('HEAD', file),
    get('/assets/nothing.glb'),
    get(`${file}?signature=x`),
    get('/v1/webhook_secret'),
    send('POST', '/v1/webhook_secret'),
    get('/v1/webhook_deliveries'),
    get('/v1/webhook_deliveries?limit=0'),
    get('/v1/models'),
    get('/v1/models/default'),
    get('/v1/models/nothing'),
    get('/healthz'),
    get('/readyz'),
    get('/v1/meshes?before=1'),
    send('POST', `${path}/cancel`),
    send('DELETE', done),
    send('DELETE', done),
    ['GET', '/v1/models', () => exports.default.fetch(`${edgeUrl}/v1/models`)],
    ['GET', '/v1/models', () => call('/v1/models', { key: testKeys.admin })],
  ]);
  expect([...asked, ...open, ...seen]).toMatchObject([
    'createMesh 202',
    'getMesh 200',
    'getMeshContent 404',
    'listMeshes 200',
    'getMesh 200',
    'getMeshContent 200',
    'getMeshContent 206',
    'getMeshContent 416',
    'getMeshContent 304',
    'getMeshContent 412',
    'getMeshThumbnail 404',
    'streamMesh 200',
    'getAsset 200',
    'headAsset 200',
    'getAsset 404',
    'getAsset 403',
    'getWebhookSecret 200',
    'rotateWebhookSecret 200',
    'listWebhookDeliveries 200',
    'listWebhookDeliveries 400',
    'listModels 200',
    'getModel 200',
    'getModel 404',
    'getHealth 200',
    'getReadiness 200',
    'listMeshes 400',
    'cancelMesh 200',
    'deleteMesh 200',
    'deleteMesh 404',
    'listModels 401',
    'listModels 403',
  ]);
});

test('what the running edge refuses to make is refused as the document says', async () => {
  const image = dataUrl(picture());
  const refused = (body: unknown, headers: Record<string, string> = {}): Call => {
    return ['POST', '/v1/meshes', () => postJson(body, headers)];
  };
  const statuses = await checked([
    refused('{'),
    refused({ image, colour: 'red' }),
    refused({ image: 'data:image/png;base64,AAAA' }),
    refused({ image, model: 'nothing' }),
    refused({ image }, { accept: 'model/stl' }),
    refused({ image: { sha256: 'a'.repeat(64) } }),
    refused({ image, cache: { mode: 'only_if_cached' } }),
    refused({ image }, { 'content-type': 'text/plain' }),
    refused({ image: `data:image/png;base64,${'A'.repeat(12 * 1024 * 1024)}` }),
    refused({ image, cache: { mode: 'refresh' } }),
  ]);
  expect(statuses.map((seen) => Number(seen.split(' ')[1]))).toEqual([
    400, 400, 400, 404, 406, 409, 504, 415, 413, 403,
  ]);
});

test('what the running edge answers to operators and origins is what the document says', async () => {
  const key = testKeys.globex;
  const admin = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Call => {
    return [method, path, () => call(path, { method, key, ...(body !== undefined && { body: JSON.stringify(body) }) })];
  };
  const sha256 = 'e'.repeat(64);
  await checked([
    admin('POST', '/admin/purge', { image_sha256: sha256, takedown: true, reason: 'asked for' }),
    admin('POST', '/admin/purge', { tag: 'a', model: 'b@1' }),
    admin('GET', '/admin/takedowns'),
    admin('GET', '/metrics'),
    admin('GET', '/dashboard/data'),
    admin('DELETE', `/admin/takedowns/${sha256}`),
    admin('POST', '/admin/keys', { tenant: 'acme' }),
    admin('GET', '/admin/tenants/acme/limits'),
    admin('PUT', '/admin/tenants/hooli/limits', { gpu_ms_per_day: 1, concurrent_misses: null }),
    admin('PUT', '/admin/tenants/shared/limits', { gpu_ms_per_day: 1, concurrent_misses: null }),
    admin('POST', '/admin/keys', {}),
    admin('GET', '/admin/keys'),
    admin('GET', '/admin/keys/key_1'),
    admin('DELETE', '/admin/keys/key_1'),
    admin('POST', '/admin/keys/key_1/rotate', {}),
    admin('POST', '/admin/index/check', {}),
    admin('POST', '/admin/index/rebuild', { after: { of: 'tags', after: null } }),
    ['POST', '/origin/reports', () => report()],
    ['POST', '/origin/reports', () => originCall('POST', '/origin/reports', { body: '{}' })],
    [
      'POST',
      '/origin/reports',
      () => originCall('POST', '/origin/reports', { body: '{}', secret: 'another one entirely' }),
    ],
    ['GET', `/origin/geometry/${sha256}`, () => originCall('GET', `/origin/geometry/${sha256}`)],
  ]);
});
