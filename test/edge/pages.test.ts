import { exports } from 'cloudflare:workers';
import { afterEach, expect, test, vi } from 'vitest';
import { picture } from './client.ts';
import { edgeUrl, fakeNetwork, report } from './fake-origin.ts';
import { make } from './making.ts';

afterEach(() => void vi.restoreAllMocks());

const get = (path: string, headers: Record<string, string> = {}) =>
  exports.default.fetch(new Request(edgeUrl + path, { headers }));

test.each(['/', '/dashboard', '/docs'])(
  '%s is a page that may load nothing of another host, in no frame',
  async (path) => {
    const answer = await get(path);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toContain('text/html');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.headers.get('referrer-policy')).toBe('no-referrer');
    const policy = answer.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/'unsafe-|https?:|\*/);
    expect(await answer.text()).not.toMatch(/<script(?![^>]* src=)|<style|\sstyle=|\son\w+=/);
  },
);

test.each(['/dashboard', '/docs'])('%s/ leads to the page', async (path) => {
  const answer = await exports.default.fetch(new Request(`${edgeUrl}${path}/?a=1`, { redirect: 'manual' }));
  expect([answer.status, answer.headers.get('location')]).toEqual([301, `${edgeUrl}${path}?a=1`]);
});

test('a page that the client has already is a 304', async () => {
  const first = await get('/');
  const etag = first.headers.get('etag') ?? '';
  const again = await get('/', { 'if-none-match': etag });
  expect(again.status).toBe(304);
  expect(await again.text()).toBe('');
});

test('the page of a shared mesh has the mesh for its script, and what other sites show of a link', async () => {
  const network = fakeNetwork();
  await report();
  const mesh = await make(network, picture());
  const answer = await get(`/m/${mesh.id}`);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(answer.headers.has('etag')).toBe(false);
  const html = await answer.text();
  const data = /<script id="mesh-data" type="application\/json">([^<]*)<\/script>/.exec(html)?.[1] ?? '';
  expect(JSON.parse(data)).toMatchObject({ id: mesh.id, asset: mesh.asset, metadata: {} });
  expect(html).toContain(`<meta property="og:url" content="${edgeUrl}/m/${mesh.id}" />`);
  expect(html).toContain('<meta property="og:title"');
});

test('a private mesh, an unknown one and a bad id have no page', async () => {
  const network = fakeNetwork();
  await report();
  const own = await make(network, picture(), { fields: { cache_scope: 'private' } });
  for (const id of [own.id, `mesh_${'0'.repeat(64)}`, 'mesh_1', '%3Cscript%3E']) {
    const answer = await get(`/m/${id}`);
    expect(answer.status).toBe(404);
    const html = await answer.text();
    expect(html).toContain('type="application/json">null</script>');
    expect(html).not.toContain('og:image');
  }
});
