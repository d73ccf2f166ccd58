import { createExecutionContext, runInDurableObject, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, test, vi } from 'vitest';
import { sha256 } from '../../contract/digest.ts';
import { createApp } from '../../edge/app.ts';
import type { Env } from '../../edge/env.ts';
import { keysMax } from '../../edge/access/calls.ts';
import { call, errorOf, picture, post } from './client.ts';
import { edgeUrl, networkOfEachTest } from './fake-origin.ts';
import { make } from './making.ts';
import { testKeys } from './secrets.ts';

const network = networkOfEachTest();

type MadeKey = { id: string; key: string; status: string; tenant: string; expires_at: number | null };
type KeyPage = { data: MadeKey[]; first_id: string; last_id: string; has_more: boolean };

const admin = { key: testKeys.admin };
const refused = { status: 401, code: 'invalid_api_key' };

function send(path: string, method: string, body?: unknown, key: string = testKeys.admin): Promise<Response> {
  return call(path, { method, key, ...(body !== undefined && { body: JSON.stringify(body) }) });
}

async function createKey(terms: Record<string, unknown> = {}): Promise<MadeKey> {
  const answer = await send('/admin/keys', 'POST', { tenant: 'hooli', ...terms });
  expect([answer.status, answer.headers.get('cache-control')]).toEqual([201, 'no-store']);
  return answer.json<MadeKey>();
}

const keysOf = async (query: string) => (await call(`/admin/keys${query}`, admin)).json<KeyPage>();
const models = (key: string) => call('/v1/models', { key });
const inSeconds = (seconds: number) => vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000 });

test('a key is told once, kept as its digest alone, and works for its scope', async () => {
  const made = await createKey({ label: 'ci' });
  expect(made).toMatchObject({
    object: 'api_key',
    status: 'active',
    label: 'ci',
    scopes: ['meshes'],
    expires_at: null,
  });
  expect((await models(made.key)).status).toBe(200);
  expect(await errorOf(send('/admin/purge', 'POST', {}, made.key))).toMatchObject({ code: 'insufficient_scope' });

  const { key: text, ...told } = made;
  expect(await (await call(`/admin/keys/${made.id}`, admin)).json()).toEqual(told);
  const stored = await runInDurableObject(env.KEYS.getByName('keys'), (_, state) =>
    JSON.stringify(state.storage.sql.exec('SELECT * FROM keys').toArray()),
  );
  expect(stored).toContain(await sha256(text));
  expect(stored).not.toContain(text);
  expect(JSON.stringify(await keysOf('?tenant=hooli'))).not.toContain(text);
});

test('keys are listed page by page, the newest first, of one tenant where asked', async () => {
  const ids: string[] = [];
  for (let n = 0; n < 3; n++) ids.unshift((await createKey({ tenant: 'pied-piper' })).id);
  await createKey({ tenant: 'other' });
  const first = await keysOf('?tenant=pied-piper&limit=2');
  expect([first.data.map(({ id }) => id), first.first_id, first.last_id]).toEqual([ids.slice(0, 2), ids[0], ids[1]]);
  expect(first.has_more).toBe(true);
  const second = await keysOf(`?tenant=pied-piper&limit=2&after=${first.last_id}`);
  expect([second.data.map(({ id }) => id), second.has_more]).toEqual([ids.slice(2), false]);
});

test.each<[string, unknown, string]>([
  ['no tenant', {}, 'tenant'],
  ["everyone's tenant", { tenant: 'shared' }, 'tenant'],
  ['the tenant of those without a key', { tenant: 'anonymous' }, 'tenant'],
  ['an unknown scope', { tenant: 'a', scopes: ['root'] }, 'scopes.0'],
  ['a negative budget', { tenant: 'a', gpu_ms_per_day: -1 }, 'gpu_ms_per_day'],
  ['a life that is over', { tenant: 'a', expires_in_seconds: 0 }, 'expires_in_seconds'],
  ['a long label', { tenant: 'a', label: 'x'.repeat(101) }, 'label'],
])('a key with %s is refused by the name of the parameter', async (_what, body, param) => {
  expect(await errorOf(send('/admin/keys', 'POST', body))).toMatchObject({ status: 400, param });
});

test.each(['?limit=0', '?after=x', `?after=key_${'0'.repeat(32)}`, '?tenant=shared'])(
  'a list with %s is refused',
  async (query) => {
    const param = /\?(\w+)/.exec(query)?.[1];
    expect(await errorOf(call(`/admin/keys${query}`, admin))).toMatchObject({ code: 'invalid_parameter', param });
  },
);

test('an unknown key cannot be looked at, ended or rotated', async () => {
  const path = `/admin/keys/key_${'0'.repeat(32)}`;
  for (const answer of [call(path, admin), send(path, 'DELETE'), send(`${path}/rotate`, 'POST', {})]) {
    expect(await errorOf(answer)).toMatchObject({ status: 404, code: 'key_not_found' });
  }
});

test('a revoked key makes nothing new from then on, and hits end within a minute', async () => {
  const image = picture();
  await make(network, image);
  const made = await createKey();
  const hit = () => post(image, { key: made.key });
  expect((await hit()).status).toBe(200);
  const answer = await send(`/admin/keys/${made.id}`, 'DELETE');
  expect(await answer.json()).toEqual({ id: made.id, object: 'api_key.deleted', deleted: true });
  expect((await hit()).status).toBe(200); // this isolate has not asked again
  inSeconds(31);
  expect(await errorOf(hit())).toMatchObject(refused);

  const other = await createKey();
  expect((await models(other.key)).status).toBe(200);
  await send(`/admin/keys/${other.id}`, 'DELETE');
  expect(await errorOf(post(picture(), { key: other.key }))).toMatchObject(refused);
  expect(network.jobs).toEqual([]);
  expect((await keysOf('?tenant=hooli&limit=1')).data[0]).toMatchObject({ id: other.id, status: 'revoked' });
});

test('a revoked operator is out at once', async () => {
  const made = await createKey({ scopes: ['admin'] });
  expect((await call('/admin/keys', { key: made.key })).status).toBe(200);
  await send(`/admin/keys/${made.id}`, 'DELETE');
  expect(await errorOf(call('/admin/keys', { key: made.key }))).toMatchObject(refused);
});

test('a key ends when it expires, to the second, and is listed for 90 days after', async () => {
  const made = await createKey({ expires_in_seconds: 20 });
  expect((await models(made.key)).status).toBe(200);
  inSeconds(21);
  expect(await errorOf(models(made.key))).toMatchObject(refused);
  expect(await (await call(`/admin/keys/${made.id}`, admin)).json()).toMatchObject({ status: 'expired' });
  inSeconds(91 * 24 * 3600);
  await createKey();
  expect((await call(`/admin/keys/${made.id}`, admin)).status).toBe(404);
});

test('a rotated key works beside its successor for the overlap', async () => {
  const old = await createKey({ scopes: ['meshes', 'admin'], label: 'ci', expires_in_seconds: 9000 });
  const answer = await send(`/admin/keys/${old.id}/rotate`, 'POST', { overlap_seconds: 3600 });
  const made = await answer.json<MadeKey>();
  expect(made).toMatchObject({ tenant: 'hooli', scopes: ['meshes', 'admin'], label: 'ci' });
  expect(made.expires_at).toBeGreaterThanOrEqual(old.expires_at ?? Infinity);
  expect([(await models(old.key)).status, (await models(made.key)).status]).toEqual([200, 200]);
  inSeconds(3601);
  expect(await errorOf(models(old.key))).toMatchObject(refused);
  expect((await models(made.key)).status).toBe(200);
  const again = send(`/admin/keys/${old.id}/rotate`, 'POST', {});
  expect(await errorOf(again)).toMatchObject({ status: 404, code: 'key_not_found' });
});

test('no more than so many keys are kept', async () => {
  const { id } = await createKey();
  await runInDurableObject(env.KEYS.getByName('keys'), (_, { storage }) => {
    storage.sql.exec(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
       INSERT INTO keys (id, sha256, tenant, terms, created_at_s) SELECT 'key_' || i, i, 'many', '{}', 0 FROM n`,
      keysMax,
    );
  });
  const full = { status: 409, code: 'too_many_keys' };
  expect(await errorOf(send('/admin/keys', 'POST', { tenant: 'hooli' }))).toMatchObject(full);
  expect(await errorOf(send(`/admin/keys/${id}/rotate`, 'POST', {}))).toMatchObject(full);
  await runInDurableObject(env.KEYS.getByName('keys'), (_, { storage }) => {
    storage.sql.exec("DELETE FROM keys WHERE tenant = 'many'");
  });
});

/** The calls that reach a key store which can be switched off. */
function countedStore() {
  const state = { isDown: false, asked: 0 };
  const find = async (digest: string) => {
    state.asked += 1;
    if (state.isDown) throw new Error('the key store is down');
    return env.KEYS.getByName('keys').find(digest);
  };
  const app = createApp({ ...env, KEYS: { getByName: () => ({ find }) } as unknown as Env['KEYS'] });
  const get = async (key: string, init: RequestInit = {}, path = '/v1/models') => {
    const context = createExecutionContext();
    const headers = { authorization: `Bearer ${key}` };
    const answer = await app.fetch(new Request(edgeUrl + path, { ...init, headers }), env, context);
    await waitOnExecutionContext(context);
    return answer;
  };
  return { state, get };
}

test('a key that was seen within the minute goes on for hits with the key store down, and makes nothing new', async () => {
  const { key } = await createKey();
  const unseen = await createKey();
  const { state, get } = countedStore();
  expect((await get(key)).status).toBe(200);
  state.isDown = true;
  inSeconds(50);
  vi.spyOn(console, 'error').mockReturnValue();
  expect((await get(key)).status).toBe(200);
  const down = { status: 503, code: 'keys_unavailable' };
  const body = new FormData();
  body.set('image', new File([picture()], 'picture.png'));
  expect(await errorOf(get(key, { method: 'POST', body }, '/v1/meshes'))).toMatchObject(down);
  expect(await errorOf(get(unseen.key))).toMatchObject(down);
  inSeconds(11);
  expect(await errorOf(get(key))).toMatchObject(down);
  expect((await get(testKeys.acme)).status).toBe(200);
});

test('the store is asked of a key twice a minute, of a wrong one too, and never of what cannot be a key', async () => {
  const { key } = await createKey();
  const { state, get } = countedStore();
  for (const [text, status] of [
    [key, 200],
    [`mk_${'ab'.repeat(32)}`, 401],
  ] as const) {
    state.asked = 0;
    const answers = await Promise.all(Array.from({ length: 5 }, () => get(text)));
    expect(answers.map((answer) => answer.status)).toEqual(Array(5).fill(status));
    expect(state.asked).toBe(1);
    inSeconds(31);
    await get(text);
    expect(state.asked).toBe(2);
  }
  state.asked = 0;
  for (const text of ['mk_wrong', 'x', `mk_${'g'.repeat(64)}`, `mk_${'a'.repeat(65)}`]) {
    expect((await get(text)).status).toBe(401);
  }
  expect(state.asked).toBe(0);
});
