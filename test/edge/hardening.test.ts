import { exports } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { call, dataUrl, errorOf, mesh, picture, post, postJson } from './client.ts';
import { networkOfEachTest } from './fake-origin.ts';
import { make } from './making.ts';

const network = networkOfEachTest();

const malformed = { status: 400, code: 'invalid_request' };

test('JSON that would become millions of objects is refused before it is parsed', async () => {
  const image = dataUrl(picture());
  const bodies = [
    '['.repeat(5_000_000),
    `{"metadata":${'{"a":'.repeat(17)}1${'}'.repeat(17)}}`,
    `[${'[],'.repeat(2_000_000)}[]]`,
    `{"cache":{"tags":[${'"a",'.repeat(10_000)}"a"]}}`,
  ];
  const odd = { ...malformed, message: expect.stringMatching(/^The JSON (is nested|has) more than/) };
  for (const body of bodies) expect(await errorOf(postJson(body))).toMatchObject(odd);
  // Brackets and commas inside strings, and quotes that are escaped, are no structure.
  const metadata = { a: `\\"${'[,'.repeat(200)}\\\\` };
  expect((await mesh(postJson({ image, metadata }))).metadata).toEqual(metadata);
});

test.each(['metadata', 'cache_tags'])('JSON in the form field %s is counted before it is parsed', async (field) => {
  const deep = `${'{"a":'.repeat(17)}1${'}'.repeat(17)}`;
  const wide = `{${Array.from({ length: 10_001 }, (_, i) => `"${i}":{}`).join()}}`;
  for (const text of [deep, wide, '['.repeat(200_000)]) {
    const refused = await errorOf(post(picture(), { fields: { [field]: text } }));
    expect(refused).toMatchObject({ status: 400, code: 'invalid_parameter', param: field });
    expect(refused.message).toMatch(/^The JSON of the form field "\w+" (is nested|has) more than/);
  }
});

test('fields that have more than 256 KiB beside the picture are 413, in a form and in JSON, whatever they say', async () => {
  const large = { status: 413, code: 'body_too_large' };
  const wide = `{${Array.from({ length: 200_000 }, (_, i) => `"${i}":{}`).join()}}`;
  for (const field of ['metadata', 'cache_tags', 'output_format', 'anything']) {
    expect(await errorOf(post(picture(), { fields: { [field]: wide } }))).toMatchObject(large);
  }
  const blanks = ' '.repeat(256 * 1024);
  expect(await errorOf(postJson(`{"image":"${dataUrl(picture())}"${blanks}}`))).toMatchObject(large);
  const texts = Array.from({ length: 3 }, (_, i) => `"${i}":"${'x'.repeat(200 * 1024)}"`).join();
  expect(await errorOf(postJson(`{"metadata":{${texts}}}`))).toMatchObject(large);
});

test('a form of more than 64 parts, or with a part or boundary that is too long, is refused', async () => {
  const send = (body: string, boundary = 'b') =>
    call('/v1/meshes', {
      method: 'POST',
      body,
      headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    });
  const part = (name: string) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n1\r\n`;
  const parts = Array.from({ length: 65 }, (_, i) => part(`f${i}`)).join('');
  expect(await errorOf(send(`${parts}--b--\r\n`))).toMatchObject({
    ...malformed,
    message: expect.stringContaining('64 parts'),
  });
  expect(await errorOf(send(`${part('x'.repeat(5000))}--b--\r\n`))).toMatchObject({
    ...malformed,
    message: expect.stringContaining('4096'),
  });
  const boundary = 'x'.repeat(71);
  expect(await errorOf(send(`--${boundary}--`, boundary))).toMatchObject({
    ...malformed,
    message: expect.stringContaining('boundary'),
  });
});

test('names of the prototype are names like others', async () => {
  const image = dataUrl(picture());
  const { metadata } = await mesh(postJson({ image, metadata: { constructor: 'c', toString: 't' } }));
  expect(metadata).toEqual({ constructor: 'c', toString: 't' });
  // An object cannot keep this one as it keeps others.
  const dropped = { status: 400, code: 'invalid_parameter', param: 'metadata' };
  expect(await errorOf(postJson(`{"image":"${image}","metadata":{"__proto__":"polluted"}}`))).toMatchObject(dropped);
  for (const fields of [{ metadata: '{"__proto__":"polluted"}' }, { 'metadata[__proto__]': 'polluted' }]) {
    expect(await errorOf(post(picture(), { fields }))).toMatchObject(dropped);
  }
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  const form = new FormData();
  form.set('image', new File([picture()], 'picture.png'));
  form.set('__proto__', '1');
  const refused = errorOf(call('/v1/meshes', { method: 'POST', body: form }));
  expect(await refused).toMatchObject({ status: 400, code: 'unknown_parameter', param: '__proto__' });
});

test('no answer can be sniffed, framed or run, and https stays https', async () => {
  const headers = {
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
    'strict-transport-security': 'max-age=31536000',
  };
  for (const path of ['/v1/models', '/v1/nothing', '/nothing', '/healthz', '/openapi.json', '/admin/purge']) {
    expect(Object.fromEntries((await call(path)).headers)).toMatchObject(headers);
  }
  const local = await exports.default.fetch('http://127.0.0.1/healthz');
  expect(local.headers.get('strict-transport-security')).toBeNull();
});

test('an error repeats no path, and of a name no more than its beginning', async () => {
  const script = '<script>alert(1)</script>';
  for (const path of [`/${script}`, `/v1/models/${script}`, `/assets/${script}`, `/v1/meshes/${script}`]) {
    expect(await (await call(path)).text()).not.toContain('script');
  }
  const name = 'x'.repeat(100_000);
  const { param, message } = await errorOf(postJson({ image: dataUrl(picture()), [name]: 1 }));
  expect([param?.length, message.length]).toEqual([100, 500]);
});

test('text that a client gives stands in no header', async () => {
  const hostile = 'a\r\nset-cookie: b=c\r\n\r\n<html>';
  const metadata = JSON.stringify({ [hostile.slice(0, 20)]: hostile });
  const made = await make(network, picture(), { fields: { metadata, cache_tags: JSON.stringify([hostile]) } });
  expect(Object.values(made.metadata)).toEqual([hostile]);
  for (const path of [
    `/v1/meshes/${made.id}`,
    `/v1/meshes/${made.id}/content`,
    new URL(made.asset?.url ?? '').pathname,
  ]) {
    const { headers } = await call(path);
    expect(headers.has('set-cookie')).toBe(false);
    expect(JSON.stringify([...headers])).not.toContain('html');
  }
  const form = new FormData();
  form.set('image', new File([picture()], '../../etc/"\r\nx: y.png'));
  const named = await call('/v1/meshes', { method: 'POST', body: form });
  expect([named.status, named.headers.get('x')]).toEqual([202, null]);
});
