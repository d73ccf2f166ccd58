import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, test, vi } from 'vitest';
import { sha256 } from '../../contract/digest.ts';
import { createApp } from '../../edge/app.ts';
import type { Env } from '../../edge/env.ts';
import { errorOf, mesh, picture } from './client.ts';
import { edgeUrl, networkOfEachTest } from './fake-origin.ts';
import { make } from './making.ts';

const network = networkOfEachTest();

type Call = RequestInit & { tier?: 'off' | 'on'; address?: string; settings?: Env };

let addresses = 0;

/** A call without a key to an edge whose anonymous tier is on unless told otherwise; each from an address of its own. */
async function call(path: string, { tier = 'on', address, settings = env, ...init }: Call = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set('cf-connecting-ip', address ?? `192.0.2.${++addresses}`);
  const context = createExecutionContext();
  const app = createApp({ ...settings, ANONYMOUS_TIER: tier });
  const answer = await app.fetch(new Request(edgeUrl + path, { ...init, headers }), env, context);
  await waitOnExecutionContext(context);
  return answer;
}

function form(image: Uint8Array<ArrayBuffer>, fields: Record<string, string> = {}): RequestInit {
  const body = new FormData();
  body.set('image', new File([image], 'picture.png'));
  for (const [name, value] of Object.entries(fields)) body.set(name, value);
  return { method: 'POST', body };
}

const withoutKey = { status: 401, code: 'invalid_api_key' };
const keyNeeded = { status: 403, code: 'insufficient_scope' };

test('without a key there is nothing where the tier is off, and a wrong key is wrong everywhere', async () => {
  expect(await errorOf(call('/v1/models', { tier: 'off' }))).toMatchObject(withoutKey);
  const headers = { authorization: 'Bearer mk_wrong' };
  expect(await errorOf(call('/v1/models', { headers }))).toMatchObject(withoutKey);
  expect(await errorOf(call('/admin/takedowns'))).toMatchObject(withoutKey);
});

test.each<[string, Call, number]>([
  ['the page of this site', { headers: { 'sec-fetch-site': 'same-origin' } }, 200],
  ['no browser', {}, 200],
  ['the page of another site', { headers: { 'sec-fetch-site': 'cross-site' } }, 401],
  ['a sister site', { headers: { 'sec-fetch-site': 'same-site' } }, 401],
])('a call from %s is let in or not', async (_from, options, status) => {
  expect((await call('/v1/models', options)).status).toBe(status);
});

test('a shared mesh can be made, watched and fetched without a key', async () => {
  const image = picture();
  const { id } = await make(network, image);
  const hit = await mesh(call('/v1/meshes', form(image)));
  expect(hit).toMatchObject({ id, status: 'completed', cache: { status: 'hit' } });
  expect((await call(`/v1/meshes/${id}`)).status).toBe(200);
  expect((await call(`/v1/meshes/${id}/content`)).status).toBe(200);
  expect((await call(`/v1/meshes/${id}/events`)).status).toBe(200);
  const miss = await call('/v1/meshes', form(picture()));
  expect([miss.status, (await mesh(miss)).status]).toEqual([202, 'queued']);
  await vi.waitFor(() => expect(network.jobs[0]?.job).toMatchObject({ tenant: 'anonymous', scope: 'shared' }));
});

test.each<[string, Record<string, string>, Record<string, string>]>([
  ['cache_scope', { cache_scope: 'private' }, {}],
  ['cache_mode', { cache_mode: 'refresh' }, {}],
  ['cache_tags', { cache_tags: '["a"]' }, {}],
  ['metadata', { metadata: '{"a":"b"}' }, {}],
  ['Idempotency-Key', {}, { 'idempotency-key': 'one' }],
])('%s needs a key', async (param, fields, headers) => {
  const answer = call('/v1/meshes', { ...form(picture(), fields), headers });
  expect(await errorOf(answer)).toMatchObject({ ...keyNeeded, param });
});

test('an address without a key has a small budget of its own, and all of them one together', async () => {
  const settings = { ...env, ADDRESS_GPU_MS_PER_DAY: '2000', ADDRESS_CONCURRENT_MISSES: '10' };
  const ask = (address: string) => call('/v1/meshes', { ...form(picture()), address, settings });
  for (const status of [202, 202, 429]) expect((await ask('203.0.113.1')).status).toBe(status);
  expect(await errorOf(ask('203.0.113.1'))).toMatchObject({ status: 429, code: 'insufficient_quota' });
  const other = await ask('203.0.113.2');
  expect([other.status, other.headers.get('x-ratelimit-remaining-gpu-ms')]).toEqual([202, '1000']);
  const none = { gpuMsPerDay: 0, concurrentMissesMax: null };
  await env.TENANT.getByName('anonymous').setLimits(none);
  expect(await errorOf(ask('203.0.113.3'))).toMatchObject({ status: 429, code: 'insufficient_quota' });
  await env.TENANT.getByName('anonymous').setLimits({ ...none, gpuMsPerDay: null });
});

test('the anonymous have no list and no webhooks, delete nothing, stop nothing, and learn nothing by a digest', async () => {
  const image = picture();
  const { id } = await mesh(call('/v1/meshes', form(image)));
  expect(await errorOf(call('/v1/meshes'))).toMatchObject(keyNeeded);
  expect(await errorOf(call(`/v1/meshes/${id}`, { method: 'DELETE' }))).toMatchObject(keyNeeded);
  expect(await errorOf(call(`/v1/meshes/${id}/cancel`, { method: 'POST' }))).toMatchObject(keyNeeded);
  for (const path of ['/v1/webhook_secret', '/v1/webhook_deliveries']) {
    expect(await errorOf(call(path))).toMatchObject(keyNeeded);
  }
  const hooked = form(image, { webhook_url: 'https://hooks.example/' });
  expect(await errorOf(call('/v1/meshes', hooked))).toMatchObject(keyNeeded);
  const body = JSON.stringify({ image: { sha256: await sha256(image) } });
  const known = call('/v1/meshes', { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  expect(await errorOf(known)).toMatchObject({ status: 409, code: 'image_required' });
});

test("the operator's dashboard and metrics need a key, whatever the tier", async () => {
  for (const path of ['/dashboard/data', '/metrics']) {
    expect(await errorOf(call(path, { tier: 'on' }))).toMatchObject(withoutKey);
  }
});
