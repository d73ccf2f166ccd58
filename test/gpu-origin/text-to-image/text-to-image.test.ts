import { afterEach, beforeEach, expect, test } from 'vitest';
import { TextToImage, type TextToImageOptions } from '../../../gpu-origin/text-to-image/text-to-image.ts';
import { answerOf, errorAnswer, startImageApi, type ImageApi } from '../support/image-api.ts';

let first: ImageApi;
let second: ImageApi;
const opened: TextToImage[] = [];

beforeEach(async () => {
  [first, second] = await Promise.all([startImageApi(), startImageApi()]);
});
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
  await Promise.all([first.close(), second.close()]);
});

const never = new AbortController().signal;

function open(change: Partial<TextToImageOptions> = {}): TextToImage {
  const upstreams = [
    { url: first.url, key: 'sk-first' },
    { url: second.url, key: 'sk-second' },
  ];
  const options = { upstreams, model: 'flux', secondsMax: 5 };
  const opening = new TextToImage({ ...options, ...change });
  opened.push(opening);
  return opening;
}

test('a prompt is sent with the model and the key, and the picture comes back as it is', async () => {
  expect(await open().draw('a red chair', never)).toEqual(first.picture);
  expect(first.calls).toMatchObject([
    {
      path: '/v1/images/generations',
      authorization: 'Bearer sk-first',
      body: { model: 'flux', prompt: 'a red chair', n: 1, size: '1024x1024' },
    },
  ]);
  expect(second.calls).toEqual([]);
});

test('a picture that is answered as a URL of the same server is fetched without the key', async () => {
  const { host } = new URL(first.url);
  first.answer = ({ path }) =>
    path === '/picture.png' ? { status: 200, body: first.picture } : answerOf({ url: `http://${host}/picture.png` });
  expect(await open().draw('a red chair', never)).toEqual(first.picture);
  expect(first.calls.map(({ path, authorization }) => [path, authorization])).toEqual([
    ['/v1/images/generations', 'Bearer sk-first'],
    ['/picture.png', undefined],
  ]);
});

test.each([
  ['another port of this machine', () => second.url],
  ['loopback by https', () => second.url.replace('http:', 'https:')],
  ['a name of loopback', () => second.url.replace('http://127.0.0.1', 'https://localhost')],
  ['an address written otherwise', () => 'https://[::ffff:7f00:1]/picture.png'],
  ['cloud metadata', () => 'https://169.254.169.254/latest'],
  ['cloud metadata at an address like any other', () => 'https://168.63.129.16/metadata'],
  ['a block of IPv6 that nobody was given', () => 'https://[4000::1]/picture.png'],
])('a picture is never fetched from %s', async (_, url) => {
  first.answer = () => answerOf({ url: url() });
  const drawing = open({ upstreams: [{ url: first.url, key: 'sk-first' }] }).draw('a red chair', never);
  const message = expect.stringMatching(/is not fetched from|which is not public/) as string;
  await expect(drawing).rejects.toMatchObject({ code: 'upstream_failed', cause: { cause: { message } } });
  expect(first.calls).toHaveLength(1);
  expect(second.calls).toEqual([]);
});

test('a prompt that the rules of an upstream forbid is refused, and no other upstream is asked', async () => {
  for (const code of ['content_policy_violation', 'moderation_blocked', 'contentFilter']) {
    first.answer = () => errorAnswer(400, code);
    await expect(open().draw('…', never)).rejects.toMatchObject({ code: 'prompt_refused' });
  }
  expect(first.calls).toHaveLength(3);
  expect(second.calls).toEqual([]);
});

test.each<[string, () => ReturnType<ImageApi['answer']>]>([
  ['an error', () => errorAnswer(500, 'server_error')],
  ['a wrong key', () => errorAnswer(401, 'invalid_api_key')],
  ['a page', () => ({ status: 200, body: '<html>hello</html>' })],
  ['no picture', () => ({ status: 200, body: '{"data": []}' })],
  ['bytes that are no picture', () => answerOf({ b64_json: Buffer.from('not a picture').toString('base64') })],
  ['a redirect', () => ({ status: 302, headers: { location: second.url }, body: '' })],
  ['more than a picture may have', () => ({ status: 200, body: new Uint8Array(30 * 1024 * 1024) })],
])('an upstream that gives %s is passed by for the next', async (_, answer) => {
  first.answer = answer;
  expect(await open().draw('a red chair', never)).toEqual(second.picture);
  expect(second.calls).toHaveLength(1);
});

test('an upstream that does not answer in time is passed by', async () => {
  first.answer = () => new Promise(() => undefined);
  expect(await open({ secondsMax: 1 }).draw('a red chair', never)).toEqual(second.picture);
});

test('no upstream gets the key of another', async () => {
  first.answer = () => errorAnswer(500, 'server_error');
  await open().draw('a red chair', never);
  const keys = [first, second].map(({ calls }) => calls.map(({ authorization }) => authorization));
  expect(keys).toEqual([['Bearer sk-first'], ['Bearer sk-second']]);
});

test('when every upstream fails that is the error, after three rounds', async () => {
  first.answer = () => errorAnswer(500, 'server_error');
  second.answer = () => errorAnswer(502, 'bad_gateway');
  await expect(open().draw('a red chair', never)).rejects.toMatchObject({ code: 'upstream_failed' });
  expect(first.calls).toHaveLength(3);
  expect(second.calls).toHaveLength(3);
});

test('what no repetition can mend is not repeated', async () => {
  first.answer = () => errorAnswer(401, 'invalid_api_key');
  second.answer = () => errorAnswer(404, 'model_not_found');
  await expect(open().draw('a red chair', never)).rejects.toMatchObject({ code: 'upstream_failed' });
  expect([first.calls.length, second.calls.length]).toEqual([1, 1]);
});

test('a busy upstream is left alone for as long as its Retry-After says', async () => {
  first.answer = () => {
    if (first.calls.length > 1) return answerOf({ b64_json: first.picture.toString('base64') });
    return errorAnswer(429, 'rate_limit_exceeded', { 'retry-after': '1' });
  };
  expect(await open({ upstreams: [{ url: first.url, key: 'sk-first' }] }).draw('a red chair', never)).toEqual(
    first.picture,
  );
  const [before = 0, after = 0] = first.calls.map(({ atMs }) => atMs);
  expect(after - before).toBeGreaterThanOrEqual(1000);
});

test('an upstream that wants a long rest is an error at once, and is not asked meanwhile', async () => {
  first.answer = () => errorAnswer(429, 'rate_limit_exceeded', { 'retry-after': '3600' });
  const only = open({ upstreams: [{ url: first.url, key: 'sk-first' }] });
  await expect(only.draw('a red chair', never)).rejects.toMatchObject({ code: 'upstream_failed' });
  await expect(only.draw('a red chair', never)).rejects.toMatchObject({ code: 'upstream_failed' });
  expect(first.calls).toHaveLength(1);
});

test('an upstream that failed five times in a row is not asked again for a while', async () => {
  first.answer = () => errorAnswer(500, 'server_error');
  const both = open();
  for (let i = 0; i < 7; i += 1) expect(await both.draw('a red chair', never)).toEqual(second.picture);
  expect(first.calls).toHaveLength(5);
});

test('a job that is cancelled ends the call', async () => {
  const cancel = new AbortController();
  first.answer = () => {
    cancel.abort(new Error('cancelled'));
    return new Promise(() => undefined);
  };
  await expect(open().draw('a red chair', cancel.signal)).rejects.toThrow('cancelled');
  expect(second.calls).toEqual([]);
});
