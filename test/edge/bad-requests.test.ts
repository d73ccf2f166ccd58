import { env, exports } from 'cloudflare:workers';
import { expect, test, vi } from 'vitest';
import { call, dataUrl, errorOf, picture, post, postJson } from './client.ts';
import { edgeUrl, networkOfEachTest } from './fake-origin.ts';
import { testKeys } from './secrets.ts';

const network = networkOfEachTest();

/** The refusal that a request gets, when it left nothing behind: no job, and nothing in the bucket. */
async function refusal(answer: Promise<Response>) {
  const before = await keysInStore();
  const error = await errorOf(answer);
  expect(network.jobs).toHaveLength(0);
  expect(await keysInStore()).toEqual(before);
  return error;
}

async function keysInStore(): Promise<string[]> {
  return (await env.STORE.list()).objects.map(({ key }) => key);
}

function bytes(...values: number[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(values);
}

const asciiBytes = (text: string) => new TextEncoder().encode(text);

test.each([
  ['no bytes', bytes()],
  ['text', asciiBytes('not an image at all')],
  ['a PNG cut off in its header', picture().subarray(0, 20)],
  ['a PNG without pixels', picture({ width: 0, height: 4 })],
  ['a JPEG that ends before its frame header', bytes(0xff, 0xd8, 0xff, 0xe0, 0, 4, 0, 0, 0xff, 0xd9, 0, 0, 0, 0, 0, 0)],
  ['a WebP with an unknown chunk', asciiBytes('RIFF....WEBPABCD..................')],
  ['a GIF cut off', asciiBytes('GIF89a')],
  ['an AVIF without properties', asciiBytes('\0\0\0\x14ftypavif\0\0\0\0avif')],
])('%s is an invalid_image', async (_, image) => {
  const refused = { status: 400, code: 'invalid_image', param: 'image' };
  expect(await refusal(post(image))).toMatchObject(refused);
  expect(await refusal(postJson({ image: dataUrl(image) }))).toMatchObject(refused);
});

test.each(['picture.png', 'https://pictures.example/a.png'])('%s in the place of a file is told so', async (text) => {
  const { message } = await refusal(post(asciiBytes(text)));
  expect(message).toContain('-F image=@picture.png');
});

test.each<[string, Uint8Array<ArrayBuffer>, string]>([
  ['HEIC', asciiBytes('\0\0\0\x14ftypheic\0\0\0\0mif1'), 'HEIC'],
  ['lossless JPEG', bytes(0xff, 0xd8, 0xff, 0xc3, 0, 11, 8, 0, 9, 0, 8, 1, 1, 0x11, 0), 'lossless JPEG'],
  ["Apple's PNG", bytes(...asciiBytes('?PNG\r\n\x1a\n\0\0\0\x04CgBI'), ...Array<number>(20)).fill(0x89, 0, 1), 'CgBI'],
])('%s is refused by its name before a job is made', async (_, image, name) => {
  const refused = {
    status: 400,
    code: 'invalid_image',
    param: 'image',
    message: expect.stringContaining(name) as string,
  };
  expect(await refusal(post(image))).toMatchObject(refused);
  expect(await refusal(postJson({ image: dataUrl(image) }))).toMatchObject(refused);
});

test('a picture of 30,000×30,000 pixels is refused by its header', async () => {
  const answer = post(picture({ width: 30_000, height: 30_000 }));
  expect(await refusal(answer)).toMatchObject({ status: 400, code: 'image_too_many_pixels', param: 'image' });
  expect((await post(picture({ width: 8000, height: 5000 }))).status).toBe(202);
  await vi.waitFor(() => expect(network.jobs).toHaveLength(1));
});

type Fields = Record<string, string>;
test.each<[Fields, string, string]>([
  [{ colour: 'red' }, 'unknown_parameter', 'colour'],
  [JSON.parse('{"__proto__":"1"}') as Fields, 'unknown_parameter', '__proto__'],
  [{ output_format: 'fbx' }, 'invalid_parameter', 'output_format'],
  [{ seed: 'seven' }, 'invalid_parameter', 'seed'],
  [{ seed: '0x10' }, 'invalid_parameter', 'seed'],
  [{ seed: '1e-1' }, 'invalid_parameter', 'seed'],
  [{ texture: 'yes' }, 'invalid_parameter', 'texture'],
  [{ foreground_ratio: '0.4' }, 'invalid_parameter', 'foreground_ratio'],
  [{ texture_resolution: '300' }, 'invalid_parameter', 'texture_resolution'],
  [{ metadata: '{' }, 'invalid_parameter', 'metadata'],
  [{ metadata: '{"a":1}' }, 'invalid_parameter', 'metadata'],
  [{ cache_mode: 'sometimes' }, 'invalid_parameter', 'cache_mode'],
  [{ cache: 'no_store' }, 'invalid_parameter', 'cache'],
  [{ compression: 'draco', output_format: 'stl' }, 'invalid_parameter', 'compression'],
  [{ prompt: 'a teapot' }, 'invalid_parameter', 'prompt'],
  [{ cache_scope: 'mine' }, 'invalid_parameter', 'cache_scope'],
  [{ image_sha256: 'a'.repeat(64) }, 'invalid_parameter', 'image_sha256'],
  [{ image_sha256: 'A'.repeat(64) }, 'invalid_parameter', 'image_sha256'],
])('the form fields %j are refused as %s of %s', async (fields, code, param) => {
  expect(await refusal(post(picture(), { fields }))).toMatchObject({ status: 400, code, param });
});

test.each<[unknown, string, string | null]>([
  ['{', 'invalid_request', null],
  [[], 'invalid_request', null],
  [{}, 'missing_image', 'image'],
  [{ image: 7 }, 'invalid_parameter', 'image'],
  [{ image: 'example.com/a.png' }, 'invalid_image_url', 'image'],
  [{ image: { sha256: 'a' } }, 'invalid_parameter', 'image.sha256'],
  [{ image: 'data:text/plain;base64,AAAA' }, 'invalid_image', 'image'],
  [{ image: 'data:image/png;base64,AAAAA' }, 'invalid_image', 'image'],
  [{ image: 'data:image/png;base64,AA=A' }, 'invalid_image', 'image'],
  [{ image: 'data:image/png;base64,_-__' }, 'invalid_image', 'image'],
  [{ prompt: 'a teapot' }, 'unsupported_parameter', 'prompt'],
  [{ image: dataUrl(picture()), prompt: 'a teapot' }, 'invalid_parameter', 'prompt'],
  [{ image: dataUrl(picture()), cache: { mode: 'default', ttl: 1 } }, 'unknown_parameter', 'cache.ttl'],
  [{ image: dataUrl(picture()), seed: 1.5 }, 'invalid_parameter', 'seed'],
])('the JSON body %j is refused as %s of %s', async (body, code, param) => {
  expect(await refusal(postJson(body))).toMatchObject({ status: 400, code, param });
});

test('a form without an image, with one twice, or that is cut off is refused', async () => {
  expect(await refusal(post(null))).toMatchObject({ status: 400, code: 'missing_image' });
  const form = new FormData();
  form.append('seed', '1');
  form.append('seed', '2');
  const twice = call('/v1/meshes', { method: 'POST', body: form });
  expect(await refusal(twice)).toMatchObject({ code: 'invalid_parameter', param: 'seed' });
  for (const contentType of ['multipart/form-data', 'multipart/form-data; boundary=abc']) {
    const body = '--abc\r\ncontent-disposition: form-data; name="image"\r\n\r\nxyz\r\n--ab';
    const cut = call('/v1/meshes', { method: 'POST', body, headers: { 'content-type': contentType } });
    expect(await refusal(cut)).toMatchObject({ status: 400, code: 'invalid_request' });
  }
});

test('bodies over the limit are 413, by their declared length or by what was read of them', async () => {
  const tooLarge = { status: 413, code: 'body_too_large' };
  const file = new Uint8Array(20 * 1024 * 1024 + 1);
  file.set(picture());
  expect(await refusal(post(file))).toMatchObject({ ...tooLarge, param: 'image' });
  const image = `data:image/png;base64,${'A'.repeat(Math.ceil((8 * 1024 * 1024 + 3) / 3) * 4)}`;
  expect(await refusal(postJson({ image }))).toMatchObject(tooLarge);

  const chunk = new Uint8Array(1024 * 1024);
  let chunksRead = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      chunksRead += 1;
      controller.enqueue(chunk);
    },
  });
  const headers = { 'content-type': 'multipart/form-data; boundary=abc' };
  expect(await refusal(call('/v1/meshes', { method: 'POST', body: endless, headers }))).toMatchObject(tooLarge);
  expect(chunksRead).toBeLessThan(25);

  const declared = { ...headers, 'content-length': String(101 * 1024 * 1024) };
  const unread = new Request(`${edgeUrl}/v1/meshes`, { method: 'POST', body: 'x', headers: declared });
  unread.headers.set('authorization', `Bearer ${testKeys.acme}`);
  expect(await refusal(exports.default.fetch(unread))).toMatchObject(tooLarge);
});

test('another media type is 415, an unknown model 404', async () => {
  const text = call('/v1/meshes', { method: 'POST', body: 'x', headers: { 'content-type': 'text/plain' } });
  expect(await refusal(text)).toMatchObject({ status: 415, code: 'unsupported_media_type' });
  const missing = { status: 404, code: 'model_not_found', param: 'model' };
  expect(await refusal(post(picture(), { fields: { model: 'gpt-4' } }))).toMatchObject(missing);
  expect(await refusal(post(picture(), { fields: { model: 'bisque@9' } }))).toMatchObject(missing);
  expect(await refusal(post(picture(), { fields: { model: 'matte' } }))).toMatchObject(missing);
});

test('every picture format is known by its bytes', async () => {
  const jpeg = bytes(0xff, 0xd8, 0xff, 0xe0, 0, 4, 0, 0, 0xff, 0xff, 0xc2, 0, 11, 8, 0, 9, 0, 8, 1, 1, 0, 0);
  const gif = bytes(...asciiBytes('GIF89a'), 8, 0, 9, 0, 0, 0, 0);
  const webp = (chunk: string, ...rest: number[]) =>
    bytes(...asciiBytes(`RIFF....WEBP${chunk}....`), ...rest, ...Array<number>(12).fill(0));
  const avif = asciiBytes(
    '\0\0\0\x14ftypavif\0\0\0\0mif1' +
      '\0\0\0\x30meta\0\0\0\0\0\0\0\x24iprp\0\0\0\x1cipco\0\0\0\x14ispe\0\0\0\0\0\0\0\x08\0\0\0\x09',
  );
  const lossy = webp('VP8 ', 0, 0, 0, 0x9d, 1, 0x2a, 8, 0, 9, 0);
  const lossless = webp('VP8L', 0x2f, 7, 0, 2, 0);
  const extended = webp('VP8X', 0, 0, 0, 0, 7, 0, 0, 8, 0, 0);
  const stray = bytes(...jpeg.subarray(0, 8), 0x12, 0xff, 0xd0, ...jpeg.subarray(8));
  const frame = bytes(...asciiBytes('GIF89a'), 0, 0, 0, 0, 0, 0, 0, 0x2c, 0, 0, 0, 0, 8, 0, 9, 0, 0, 2, 0, 0x3b);
  const images = [jpeg, stray, gif, frame, lossy, lossless, extended, avif];
  for (const image of images) expect((await post(image)).status).toBe(202);
  await vi.waitFor(() => expect(network.jobs).toHaveLength(images.length));
});

test('a key is needed, must be known, and must have the scope', async () => {
  const anonymous = await exports.default.fetch(`${edgeUrl}/v1/models`);
  expect(anonymous.headers.get('www-authenticate')).toBe('Bearer');
  expect(await errorOf(anonymous)).toMatchObject({ status: 401, code: 'invalid_api_key' });
  const missing = await exports.default.fetch(`${edgeUrl}/v1/models`, { headers: { authorization: 'Basic eDp5' } });
  expect(missing.status).toBe(401);
  expect((await call('/v1/models', { key: 'mk_wrong' })).status).toBe(401);
  const scopeless = call('/v1/models', { key: testKeys.admin });
  expect(await errorOf(scopeless)).toMatchObject({ status: 403, code: 'insufficient_scope' });
  expect((await call('/v1/models', { key: testKeys.acme })).status).toBe(200);
});

test('unknown paths are 404, unknown methods 405 with Allow, and each answer has a request id', async () => {
  const lost = await call('/v1/teapots');
  expect(lost.headers.get('x-request-id')).toMatch(/^req_[0-9a-f-]{36}$/);
  expect(await errorOf(lost)).toMatchObject({ status: 404, code: 'not_found' });
  const wrong = await call('/v1/meshes', { method: 'PUT', headers: { 'x-request-id': 'mine-1' } });
  expect(wrong.headers.get('allow')).toBe('POST, GET, HEAD');
  expect(wrong.headers.get('x-request-id')).toBe('mine-1');
  expect(await errorOf(wrong)).toMatchObject({ status: 405, code: 'method_not_allowed' });
  const file = `/assets/${'0'.repeat(64)}.glb`;
  const deleted = await exports.default.fetch(edgeUrl + file, { method: 'DELETE' });
  expect([deleted.status, deleted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  const badId = await call('/v1/models', { headers: { 'x-request-id': 'no spaces please' } });
  expect(badId.headers.get('x-request-id')).toMatch(/^req_/);
});

test('pages of any site may call the API and read what it says in headers', async () => {
  const preflight = await exports.default.fetch(`${edgeUrl}/v1/meshes`, {
    method: 'OPTIONS',
    headers: {
      origin: 'https://page.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type,prefer',
    },
  });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get('access-control-allow-origin')).toBe('*');
  expect(preflight.headers.get('access-control-allow-headers')).toMatch(/authorization/);
  const refused = await exports.default.fetch(`${edgeUrl}/v1/meshes`, { headers: { origin: 'https://page.example' } });
  expect(refused.headers.get('access-control-allow-origin')).toBe('*');
  expect(refused.headers.get('access-control-expose-headers')).toBe('*');
});

test('a fault inside is a 500 that tells nothing, logged once', async () => {
  const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  vi.spyOn(crypto.subtle, 'digest').mockRejectedValue(new Error('secret detail'));
  const answer = await exports.default.fetch(`${edgeUrl}/v1/models`, { headers: { authorization: 'Bearer x' } });
  const text = await answer.text();
  expect(answer.status).toBe(500);
  expect(JSON.parse(text)).toMatchObject({ error: { code: 'internal_error', type: 'server_error' } });
  expect(text).not.toContain('secret detail');
  expect(log).toHaveBeenCalledOnce();
  expect(String(log.mock.calls[0])).toContain('secret detail');
});
