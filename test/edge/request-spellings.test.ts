import { expect, test } from 'vitest';
import { call, dataUrl, errorOf, mesh, picture, post, postJson } from './client.ts';
import { networkOfEachTest } from './fake-origin.ts';

networkOfEachTest();

const base64Of = (bytes: Uint8Array) => dataUrl(bytes).split(',')[1] ?? '';

/** Sends a form whose parts have these headers, as they stand. */
function sendParts(parts: readonly (readonly [header: string, body: string | Uint8Array<ArrayBuffer>])[]) {
  const pieces = parts.flatMap(([header, body]) => [`--b\r\n${header}\r\n\r\n`, body, '\r\n']);
  const body = new Blob([...pieces, '--b--\r\n']);
  return call('/v1/meshes', { method: 'POST', body, headers: { 'content-type': 'multipart/form-data; boundary=b' } });
}

const disposition = (rest: string) => `Content-Disposition: form-data; ${rest}`;

test.each([
  ['image[]', disposition('name="image[]"; filename="a.png"')],
  ['image[0]', disposition('name="image[0]"; filename="a.png"')],
  ['file', disposition('name="file"; filename="a.png"')],
  [
    'its file name first, with a semicolon, an equals sign and quotes',
    disposition('filename="a;name=\\"x\\".png"; name="image"'),
  ],
  ['a folded line', 'Content-Disposition: form-data;\r\n filename="a.png";\r\n\tname="image"'],
  ['blanks around =', disposition('name = "image" ; filename = "a.png"')],
  ['another header first', `Content-Type: image/png\r\n${disposition('name=image; filename=a.png')}`],
  ['lower case', 'content-disposition:form-data; NAME="image"; filename="a.png"'],
])('the picture of a form is found under %s', async (_, header) => {
  const bytes = picture();
  const plain = await mesh(post(bytes));
  expect((await mesh(sendParts([[header, bytes]]))).id).toBe(plain.id);
});

test.each<[Record<string, string>, Record<string, unknown>]>([
  [{ texture: 'False' }, { texture: false }],
  [{ texture: '0' }, { texture: false }],
  [
    { texture: 'off', remove_background: 'True' },
    { texture: false, remove_background: true },
  ],
  [{ remove_background: 'on' }, { remove_background: true }],
  [{ foreground_ratio: '.7' }, { foreground_ratio: 0.7 }],
  [{ foreground_ratio: '7e-01' }, { foreground_ratio: 0.7 }],
  [{ largest_dimension_mm: '1.5e2' }, { largest_dimension_mm: 150 }],
  [{ seed: '1e3' }, { seed: 1000 }],
  [{ target_face_count: '', output_format: '', seed: '', metadata: '', cache_mode: '', webhook_url: '' }, {}],
  [{ 'cache[scope]': 'private' }, { cache: { scope: 'private' } }],
  [{ 'cache[scope]': 'private', 'cache[tags][]': 'a' }, { cache: { scope: 'private', tags: ['a'] } }],
])('the form fields %j mean the JSON %j', async (fields, json) => {
  const bytes = picture();
  const asJson = await mesh(postJson({ image: dataUrl(bytes), ...json }));
  expect((await mesh(post(bytes, { fields }))).id).toBe(asJson.id);
});

test('metadata and tags may come one by one', async () => {
  const fields = { 'metadata[a]': '1', 'metadata[b c]': 'two', 'cache[tags][0]': 'x', 'cache[tags][1]': 'y' };
  expect((await mesh(post(picture(), { fields }))).metadata).toEqual({ a: '1', 'b c': 'two' });
});

test('the same field in two spellings is refused', async () => {
  const twice = [
    [{ 'metadata[a]': '1', metadata: '{"b":"2"}' }, 'metadata'],
    [{ cache_mode: 'default', 'cache[mode]': 'no_store' }, 'cache[mode]'],
    [{ cache_tags: '["a"]', 'cache[tags][]': 'b' }, 'cache_tags'],
  ] as const;
  for (const [fields, param] of twice) {
    expect(await errorOf(post(picture(), { fields }))).toMatchObject({ status: 400, code: 'invalid_parameter', param });
  }
  const file = disposition('name="file"; filename="a.png"');
  const both = sendParts([
    [file, picture()],
    [disposition('name="image"; filename="a.png"'), picture()],
  ]);
  expect(await errorOf(both)).toMatchObject({ status: 400, code: 'invalid_parameter', param: 'image' });
});

test('a picture under a name that is no field is told the right one', async () => {
  const refused = await errorOf(
    sendParts([[disposition('name="photo"; filename="a.png"'), new Uint8Array([0x89, 0x50])]]),
  );
  expect(refused).toMatchObject({ status: 400, code: 'unknown_parameter', param: 'photo' });
  expect(refused.message).toContain('"image"');
});

test('JSON null stands for a field that is not given', async () => {
  const image = dataUrl(picture());
  const plain = await mesh(postJson({ image }));
  const nulls = { model: null, output_format: null, texture: null, metadata: null, cache: null, webhook_url: null };
  expect((await mesh(postJson({ image, ...nulls, prompt: null, mc_resolution: null }))).id).toBe(plain.id);
  expect(await errorOf(postJson({ image, colour: null }))).toMatchObject({
    code: 'unknown_parameter',
    param: 'colour',
  });
});

test('a data URL may have parameters, line breaks, a blank after its comma, and no padding', async () => {
  const bytes = picture();
  const text = base64Of(bytes);
  const plain = await mesh(postJson({ image: dataUrl(bytes) }));
  const lines = text.match(/.{1,76}/g)?.join('\r\n') ?? '';
  for (const image of [
    `data:image/png;charset=utf-8;base64,${text}`,
    `data:image/png;base64,${lines}`,
    `data:image/png;base64, ${text}`,
    `data:image/png;base64,${text.replace(/=+$/, '')}`,
    `DATA:image/png;name=a.png;BASE64,${text}\n`,
  ]) {
    expect((await mesh(postJson({ image }))).id, image.slice(0, 40)).toBe(plain.id);
  }
});

test('base64 without the beginning of a data URL is told what is missing', async () => {
  const refused = await errorOf(postJson({ image: base64Of(picture()) }));
  expect(refused).toMatchObject({ status: 400, code: 'invalid_image', param: 'image' });
  expect(refused.message).toContain('data:image/png;base64,');
});

test('an idempotency key in quotes is the key without them, and may hold blanks there', async () => {
  const bytes = picture();
  const send = (name: string) =>
    postJson({ image: dataUrl(bytes), cache: { mode: 'no_store' } }, { 'idempotency-key': name });
  const first = await mesh(send('"order-7"'));
  expect((await mesh(send('order-7'))).id).toBe(first.id);
  const blank = await mesh(send('"order 7"'));
  expect(blank.id).not.toBe(first.id);
  expect((await mesh(send('"order 7"'))).id).toBe(blank.id);
  expect(await errorOf(send('order 8'))).toMatchObject({ status: 400, param: 'Idempotency-Key' });
});
