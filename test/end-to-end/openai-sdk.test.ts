import OpenAI, {
  AuthenticationError,
  BadRequestError,
  ConflictError,
  InternalServerError,
  NotFoundError,
  PermissionDeniedError,
  RateLimitError,
  UnprocessableEntityError,
} from 'openai';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { MeshObject } from '../../contract/mesh.ts';
import { Problem, type ProblemCode } from '../../contract/problem.ts';
import { emoji, startMeshkiln, type Running } from './meshkiln.ts';

let running: Running;
let client: OpenAI;

beforeAll(async () => {
  running = await startMeshkiln();
  client = new OpenAI({ baseURL: `${running.edgeUrl}/v1`, apiKey: running.settings.apiKey, maxRetries: 0 });
});
afterAll(() => running.close());

test('the OpenAI SDK lists the models', async () => {
  const models = (await client.models.list()).data;
  expect(models.map((model) => [model.id, model.object])).toContainEqual(['bisque@1', 'model']);
  expect((await client.models.retrieve('bisque@1')).id).toBe('bisque@1');
});

test('the OpenAI SDK makes a mesh from a data URL and polls for it, as in the README', async () => {
  const image = `data:image/webp;base64,${Buffer.from(await emoji('1f9f8')).toString('base64')}`;
  let mesh = MeshObject.parse(await client.post('/meshes', { body: { image, output_format: 'glb' } }));
  while (mesh.status === 'queued' || mesh.status === 'in_progress') {
    await new Promise((resolve) => setTimeout(resolve, 100));
    mesh = MeshObject.parse(await client.get(`/meshes/${mesh.id}`));
  }
  expect(mesh.status).toBe('completed');
  const asset = await fetch(mesh.asset?.url ?? '');
  expect(asset.headers.get('content-type')).toBe('model/gltf-binary');
  expect((await asset.arrayBuffer()).byteLength).toBe(mesh.asset?.bytes);
});

test('the OpenAI SDK sends a form, follows its events and downloads the bytes', async () => {
  const body = new FormData();
  body.set('image', new File([await emoji('1f9f8')], 'bear.webp'));
  body.set('output_format', 'stl');
  const { id } = MeshObject.parse(await client.post('/meshes', { body }));
  let last: MeshObject | null = null;
  const events = await client.get<AsyncIterable<unknown>>(`/meshes/${id}/events`, { stream: true });
  for await (const event of events as AsyncIterable<unknown>) last = MeshObject.parse(event);
  expect(last?.status).toBe('completed');
  const answer = await client.get(`/meshes/${id}/content`).asResponse();
  expect((await answer.arrayBuffer()).byteLength).toBe(last?.asset?.bytes);
});

/** A client that retries as it does by itself, and the calls that it made. */
function retrying(answer: (call: number) => Response | null = () => null): { sdk: OpenAI; calls: () => number } {
  let made = 0;
  const sdk = new OpenAI({
    baseURL: `${running.edgeUrl}/v1`,
    apiKey: running.settings.apiKey,
    fetch: async (url, init) => answer(++made) ?? fetch(url, init),
  });
  return { sdk, calls: () => made };
}

test('the OpenAI SDK throws its own class for each status', async () => {
  const stranger = new OpenAI({ baseURL: `${running.edgeUrl}/v1`, apiKey: 'mk_wrong', maxRetries: 0 });
  await expect(stranger.models.list()).rejects.toBeInstanceOf(AuthenticationError);
  await expect(client.models.retrieve('nothing')).rejects.toBeInstanceOf(NotFoundError);
  const image = `data:image/webp;base64,${Buffer.from(await emoji('1f60e')).toString('base64')}`;
  const refused = client.post('/meshes', { body: { image, colour: 'red' } });
  await expect(refused).rejects.toBeInstanceOf(BadRequestError);
  await expect(refused).rejects.toMatchObject({ code: 'unknown_parameter', param: 'colour' });
  const refresh = client.post('/meshes', { body: { image, cache: { mode: 'refresh' } } });
  await expect(refresh).rejects.toBeInstanceOf(PermissionDeniedError);
  const grey = sharp({ create: { width: 64, height: 64, channels: 3, background: '#888888' } });
  const plain = `data:image/png;base64,${(await grey.png().toBuffer()).toString('base64')}`;
  const impossible = client.post('/meshes', { body: { image: plain }, headers: { Prefer: 'wait=30' } });
  await expect(impossible).rejects.toBeInstanceOf(UnprocessableEntityError);
});

test('the OpenAI SDK does not repeat a 409 or a 504, which it would by itself', async () => {
  const { sdk, calls } = retrying();
  const unknown = sdk.post('/meshes', { body: { image: { sha256: 'a'.repeat(64) } } });
  await expect(unknown).rejects.toBeInstanceOf(ConflictError);
  expect(calls()).toBe(1);
  const image = `data:image/webp;base64,${Buffer.from(await emoji('1f60e')).toString('base64')}`;
  const absent = sdk.post('/meshes', { body: { image, cache: { mode: 'only_if_cached' } } });
  await expect(absent).rejects.toMatchObject({ status: 504, code: 'not_cached' });
  expect(calls()).toBe(2);
});

test.each<[ProblemCode, typeof RateLimitError | typeof InternalServerError]>([
  ['rate_limit_exceeded', RateLimitError],
  ['no_origin', InternalServerError],
])(
  'the OpenAI SDK repeats a %s after the time that it names, and throws its class when it stays',
  async (code, kind) => {
    const problem = new Problem(code, 'Later.', { retryAfterSeconds: 1 });
    const overload = () => Response.json(problem.body(), { status: problem.status, headers: { 'retry-after': '1' } });
    const timers = vi.spyOn(globalThis, 'setTimeout');
    const once = retrying((call) => (call === 1 ? overload() : null));
    expect((await once.sdk.models.list()).data).not.toHaveLength(0);
    expect(once.calls()).toBe(2);
    expect(timers.mock.calls.map(([, delayMs]) => delayMs)).toContain(1000);
    timers.mockRestore();
    const always = retrying(overload);
    await expect(always.sdk.models.list()).rejects.toBeInstanceOf(kind);
    expect(always.calls()).toBe(3);
  },
);
