import { createExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import worker from '../../edge/worker.ts';
import { errorOf } from './client.ts';
import { testKeys } from './secrets.ts';

const local = 'http://127.0.0.1:8787';
const shown = 'https://meshes.example';

type Call = { url?: string; headers?: Record<string, string>; publicUrl?: string };

/** A call with a right key to an edge on somebody's own machine, with no proxy in front unless one is named. */
async function call({ url = local, headers = {}, publicUrl = '' }: Call): Promise<Response> {
  const request = new Request(`${url}/v1/models`, {
    headers: { authorization: `Bearer ${testKeys.acme}`, ...headers },
  });
  return worker.fetch(
    request as Request<unknown, IncomingRequestCfProperties>,
    { ...env, PUBLIC_URL: publicUrl },
    createExecutionContext(),
  );
}

const refused = { status: 403, code: 'local_only' };

test('an edge of this machine is asked for by a name of this machine, with a key', async () => {
  for (const url of [local, 'http://localhost', 'http://[::1]:8787', 'http://localhost:9999']) {
    expect((await call({ url })).status).toBe(200);
    expect((await call({ url, headers: { authorization: 'Bearer mk_local_admin' } })).status).toBe(401);
    expect((await call({ url, headers: { authorization: '' } })).status).toBe(401);
  }
});

test.each(['http://edge.example', 'http://127.0.0.1.example', 'http://10.0.0.1:8787', shown])(
  'an edge of this machine refuses the Host of %s',
  async (url) => {
    const answer = await call({ url });
    expect(answer.headers.get('x-request-id')).toMatch(/^req_/);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    const told = await errorOf(answer);
    expect(told).toMatchObject(refused);
    expect(told.message).toContain('set MESHKILN_PUBLIC_URL');
  },
);

test.each([
  ['X-Forwarded-For', '203.0.113.7'],
  ['X-Forwarded-Proto', 'https'],
  ['X-Real-IP', '203.0.113.7'],
  ['Forwarded', 'for=203.0.113.7'],
  ['Via', '1.1 vegur'],
  ['CF-Connecting-IP', '203.0.113.7'],
  ['CF-Ray', '230b030023ae2822-SJC'],
  ['CDN-Loop', 'cloudflare'],
])('an edge of this machine refuses what a proxy sent on with %s', async (name, value) => {
  const told = await errorOf(call({ headers: { [name]: value } }));
  expect(told).toMatchObject(refused);
  expect(told.message).toContain('set MESHKILN_PUBLIC_URL');
});

test.each(['https://evil.example', 'http://127.0.0.1.evil.example', 'null'])(
  'an edge of this machine refuses pages of %s',
  async (origin) => {
    expect(await errorOf(call({ headers: { origin } }))).toMatchObject(refused);
    expect(await errorOf(call({ headers: { origin }, url: shown, publicUrl: shown }))).toMatchObject(refused);
  },
);

test('pages of this machine may call its edge', async () => {
  for (const origin of [local, 'http://localhost:5173']) {
    expect((await call({ headers: { origin } })).status).toBe(200);
  }
});

test('behind the proxy that MESHKILN_PUBLIC_URL names, requests come in and links are those of its clients', async () => {
  const headers = { 'x-forwarded-for': '203.0.113.7', 'cf-connecting-ip': '203.0.113.7', origin: shown };
  const answer = await call({ url: 'http://meshes.example', headers, publicUrl: shown });
  expect(answer.status).toBe(200);
  // As over TLS, which the proxy speaks.
  expect(answer.headers.get('strict-transport-security')).not.toBeNull();
  expect((await call({ publicUrl: shown })).status).toBe(200);
  expect(await errorOf(call({ url: 'http://other.example', publicUrl: shown }))).toMatchObject(refused);
  const lost = await errorOf(call({ headers: { 'x-forwarded-for': '203.0.113.7' }, publicUrl: shown }));
  expect(lost).toMatchObject({ ...refused, message: expect.stringContaining('Host: meshes.example') as string });
});

test('a deployed edge has no such door', async () => {
  const { PUBLIC_URL: _, ...deployed } = { ...env, PUBLIC_URL: undefined };
  const request = new Request(`${shown}/v1/models`, {
    headers: { authorization: `Bearer ${testKeys.acme}`, 'cf-ray': '1', origin: 'https://page.example' },
  });
  const answer = await worker.fetch(
    request as Request<unknown, IncomingRequestCfProperties>,
    deployed,
    createExecutionContext(),
  );
  expect(answer.status).toBe(200);
});
