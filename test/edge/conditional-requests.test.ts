import { beforeAll, expect, test } from 'vitest';
import { ask, bodyOf, someBytes, storeAsset, type StoredAsset } from './stored-asset.ts';

let asset: StoredAsset;

beforeAll(async () => {
  asset = await storeAsset(someBytes(1000));
});

const other = `"${'0'.repeat(64)}"`;
const yesterday = 'Sun, 22 Nov 2026 00:00:00 GMT';

/** Headers with ETAG standing for the asset's own tag, and the status that they lead to. */
const asked: { rule: string; headers: Record<string, string>; status: number }[] = [
  { rule: 'If-None-Match with the tag is 304', headers: { 'if-none-match': 'ETAG' }, status: 304 },
  { rule: 'If-None-Match compares weakly', headers: { 'if-none-match': 'W/ETAG' }, status: 304 },
  { rule: 'If-None-Match takes a list', headers: { 'if-none-match': `${other}, "a,b" ,, W/ETAG` }, status: 304 },
  { rule: 'If-None-Match with * is 304', headers: { 'if-none-match': '*' }, status: 304 },
  { rule: 'If-None-Match with another tag is 200', headers: { 'if-none-match': other }, status: 200 },
  { rule: 'If-None-Match without quotes is no match', headers: { 'if-none-match': '0' }, status: 200 },
  { rule: 'If-None-Match is case-sensitive in W/', headers: { 'if-none-match': 'w/ETAG' }, status: 200 },
  { rule: 'If-None-Match with a malformed element is no match', headers: { 'if-none-match': 'ETAG, x' }, status: 200 },
  { rule: 'If-Match with the tag is 200', headers: { 'if-match': 'ETAG' }, status: 200 },
  { rule: 'If-Match takes a list', headers: { 'if-match': `${other}, ETAG` }, status: 200 },
  { rule: 'If-Match with * is 200', headers: { 'if-match': '*' }, status: 200 },
  { rule: 'If-Match compares strongly', headers: { 'if-match': 'W/ETAG' }, status: 412 },
  { rule: 'If-Match with another tag is 412', headers: { 'if-match': other }, status: 412 },
  { rule: 'a malformed If-Match is 412', headers: { 'if-match': 'x' }, status: 412 },
  {
    rule: 'If-Match is evaluated before If-None-Match',
    headers: { 'if-match': other, 'if-none-match': 'ETAG' },
    status: 412,
  },
  {
    rule: 'If-None-Match is evaluated before Range',
    headers: { 'if-none-match': 'ETAG', range: 'bytes=9999-' },
    status: 304,
  },
  { rule: 'If-Match is evaluated before Range', headers: { 'if-match': other, range: 'bytes=9999-' }, status: 412 },
  {
    rule: 'If-Modified-Since is ignored where no date is known',
    headers: { 'if-modified-since': yesterday },
    status: 200,
  },
  {
    rule: 'If-Unmodified-Since is ignored where no date is known',
    headers: { 'if-unmodified-since': yesterday },
    status: 200,
  },
  { rule: 'If-Range with the tag keeps the range', headers: { 'if-range': 'ETAG', range: 'bytes=0-9' }, status: 206 },
  {
    rule: 'If-Range with a weak tag drops the range',
    headers: { 'if-range': 'W/ETAG', range: 'bytes=0-9' },
    status: 200,
  },
  {
    rule: 'If-Range with another tag drops the range',
    headers: { 'if-range': other, range: 'bytes=0-9' },
    status: 200,
  },
  { rule: 'If-Range with a date drops the range', headers: { 'if-range': yesterday, range: 'bytes=0-9' }, status: 200 },
  {
    rule: 'If-Range that fails makes an unsatisfiable range 200',
    headers: { 'if-range': other, range: 'bytes=9999-' },
    status: 200,
  },
  { rule: 'If-Range without Range is ignored', headers: { 'if-range': other }, status: 200 },
];

const bodies: Record<number, number> = { 200: 1000, 206: 10 };

test.each(asked)('$rule', async ({ headers, status }) => {
  for (const method of ['GET', 'HEAD']) {
    const sent = Object.entries(headers).map(([name, value]) => [name, value.replace('ETAG', `"${asset.sha256}"`)]);
    const response = await ask(asset.url, { method, headers: Object.fromEntries(sent) });
    // Range is not defined for HEAD.
    expect(response.status).toBe(method === 'HEAD' && status === 206 ? 200 : status);
    expect(response.headers.get('etag')).toBe(`"${asset.sha256}"`);
    const body = await bodyOf(response);
    if (method === 'HEAD' || status === 304) expect(body.byteLength).toBe(0);
    else if (status !== 412) expect(body.byteLength).toBe(bodies[status]);
  }
});

test('a 304 repeats the validators and the lifetime, and describes no content', async () => {
  const { headers } = await ask(asset.url, { headers: { 'if-none-match': `"${asset.sha256}"` } });
  expect(headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  expect(headers.has('content-length')).toBe(false);
  expect(headers.has('content-type')).toBe(false);
});

test('a 412 is an error object that no cache keeps', async () => {
  const response = await ask(asset.url, { headers: { 'if-match': other } });
  expect(await response.json()).toMatchObject({
    error: { code: 'precondition_failed', type: 'invalid_request_error' },
  });
  expect(response.headers.get('cache-control')).toBe('no-store');
});

test('preconditions on an asset that does not exist leave it a 404', async () => {
  const url = `https://edge.example/assets/${'f'.repeat(64)}.glb`;
  for (const headers of [{ 'if-none-match': '*' }, { 'if-match': '*' }, { range: 'bytes=0-1' }]) {
    const response = await ask(url, { headers });
    expect(response.status).toBe(404);
    await response.body?.cancel();
  }
});
