import { exports } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { edgeUrl } from './fake-origin.ts';

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

test('a page that the client has already is a 304', async () => {
  const first = await get('/');
  const etag = first.headers.get('etag') ?? '';
  const again = await get('/', { 'if-none-match': etag });
  expect(again.status).toBe(304);
  expect(await again.text()).toBe('');
});
