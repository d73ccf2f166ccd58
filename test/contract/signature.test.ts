import { afterEach, expect, test, vi } from 'vitest';
import { sha256 } from '../../contract/digest.ts';
import { sign, signatureAgeSecondsMax, verify, type SignedCall } from '../../contract/signature.ts';

const call: SignedCall = {
  method: 'PUT',
  path: '/origin/blobs/abc?key=1',
  bodySha256: await sha256('body'),
  bodyBytes: 4,
  job: '{"key":"abc"}',
};
const secrets = (originId: string) => (originId === 'gpu-1' ? ['new secret', 'old secret'] : []);

async function received(change: { method?: string; path?: string; headers?: Record<string, string> } = {}) {
  const headers = await sign(call, { originId: 'gpu-1', secret: 'old secret' });
  return {
    method: change.method ?? call.method,
    path: change.path ?? call.path,
    headers: new Headers({ ...headers, ...change.headers }),
  };
}

afterEach(() => vi.useRealTimers());

test('a signed call is verified with either of two valid secrets', async () => {
  expect(await verify(await received(), secrets)).toMatchObject({ ...call, originId: 'gpu-1' });
  await expect(verify(await received(), () => ['new secret'])).rejects.toMatchObject({ code: 'invalid_signature' });
});

test.each<[string, Parameters<typeof received>[0]]>([
  ['method', { method: 'POST' }],
  ['path', { path: '/origin/blobs/abd?key=1' }],
  ['query', { path: '/origin/blobs/abc?key=2' }],
  ['origin', { headers: { 'meshkiln-origin': 'gpu-2' } }],
  ['timestamp', { headers: { 'meshkiln-timestamp': String(Math.floor(Date.now() / 1000) + 60) } }],
  ['nonce', { headers: { 'meshkiln-nonce': '0'.repeat(32) } }],
  ['body digest', { headers: { 'meshkiln-body-sha256': '0'.repeat(64) } }],
  ['body length', { headers: { 'meshkiln-body-bytes': '5' } }],
  ['job', { headers: { 'meshkiln-job': '{"key":"abd"}' } }],
  ['signature', { headers: { 'meshkiln-signature': '0'.repeat(64) } }],
  ['form of the signature', { headers: { 'meshkiln-signature': 'none' } }],
])('a call whose %s was changed is refused', async (_part, change) => {
  await expect(verify(await received(change), secrets)).rejects.toMatchObject({
    code: 'invalid_signature',
    status: 401,
  });
});

test('a call that is too old, or from a clock too far ahead, is refused', async () => {
  vi.useFakeTimers({ now: Date.now(), toFake: ['Date'] });
  const old = await received();
  vi.setSystemTime(Date.now() + (signatureAgeSecondsMax + 2) * 1000);
  await expect(verify(old, secrets)).rejects.toThrow(/timestamp/);
  const early = await received();
  vi.setSystemTime(Date.now() - (signatureAgeSecondsMax + 2) * 1000);
  await expect(verify(early, secrets)).rejects.toThrow(/timestamp/);
});

test('no two signed calls share a nonce', async () => {
  const nonces = await Promise.all(
    Array.from({ length: 50 }, async () => (await received()).headers.get('meshkiln-nonce')),
  );
  expect(new Set(nonces).size).toBe(50);
});
