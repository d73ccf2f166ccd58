import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { Meshkiln } from '../../client/meshkiln.ts';
import { MeshkilnError } from '../../client/meshkiln-error.ts';
import type { MeshObject } from '../../contract/mesh.ts';

let server: Server | undefined;
afterEach(() => server?.close());

/** A peer that answers with these handlers in turn, and keeps what it was asked. */
async function peer(...handlers: ((request: IncomingMessage, response: ServerResponse) => void)[]) {
  const asked: IncomingMessage[] = [];
  server = createServer((request, response) => {
    request.resume();
    asked.push(request);
    const handle = handlers[Math.min(asked.length, handlers.length) - 1];
    request.on('end', () => handle?.(request, response));
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { asked, url, client: new Meshkiln({ url, apiKey: 'mk_test' }) };
}

const bytes = randomBytes(300_000);
const sha256 = createHash('sha256').update(bytes).digest('hex');

function meshAt(url: string): MeshObject {
  return {
    id: `mesh_${'0'.repeat(64)}`,
    object: 'mesh',
    status: 'completed',
    progress: 1,
    stage: null,
    created_at: 0,
    completed_at: 0,
    expires_at: null,
    model: 'bisque@1',
    output_format: 'glb',
    asset: {
      url: `${url}/assets/${sha256}.glb`,
      sha256,
      bytes: bytes.length,
      media_type: 'model/gltf-binary',
      vertices: 3,
      faces: 1,
      bounds: [
        [0, 0, 0],
        [1, 1, 1],
      ],
      watertight: true,
    },
    thumbnail_url: null,
    source: null,
    provider: 'cpu',
    degraded: false,
    timings_ms: null,
    cache: { status: 'hit', tier: 'r2', age_s: 0, saved_gpu_ms: 0, reused: null },
    error: null,
    metadata: {},
  };
}

function json(status: number, body: unknown, headers: Record<string, string> = {}) {
  return (_: IncomingMessage, response: ServerResponse) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

const overload = { error: { message: 'busy', type: 'rate_limit_error', param: null, code: 'queue_full' } };

test('a download that breaks is taken up where it broke', async () => {
  const half = 150_000;
  const { client, url, asked } = await peer(
    (_, response) => {
      response.writeHead(200, { 'content-length': bytes.length });
      response.write(bytes.subarray(0, half), () => setTimeout(() => response.destroy(), 50));
    },
    (request, response) => {
      const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1]);
      response.writeHead(206, { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` });
      response.end(bytes.subarray(start));
    },
  );
  expect(Buffer.from(await client.download(meshAt(url))).equals(bytes)).toBe(true);
  expect(asked[1]?.headers).toMatchObject({ range: `bytes=${half}-`, 'if-range': `"${sha256}"` });
});

test('bytes that do not hash to their name are fetched again, and then refused', async () => {
  const wrong = randomBytes(bytes.length);
  const once = await peer(
    (_, response) => response.end(wrong),
    (_, response) => response.end(bytes),
  );
  expect(Buffer.from(await once.client.download(meshAt(once.url))).equals(bytes)).toBe(true);
  server?.close();
  const always = await peer((_, response) => response.end(wrong));
  await expect(always.client.download(meshAt(always.url))).rejects.toThrow(/do not hash/);
  expect(always.asked).toHaveLength(5);
});

test('a large picture is asked for by its digest, and sent only where it must be', async () => {
  const imageRequired = { error: { message: 'send it', type: 'invalid_request_error', code: 'image_required' } };
  const large = new Uint8Array(300_000);
  const done = (request: IncomingMessage, response: ServerResponse) =>
    json(200, meshAt(`http://${request.headers.host}`))(request, response);
  const known = await peer(done);
  await known.client.create(large);
  expect(known.asked.map((request) => request.headers['content-type'])).toEqual(['application/json']);
  server?.close();
  const unknown = await peer(json(409, imageRequired), done);
  await unknown.client.create(large);
  expect(unknown.asked[1]?.headers['content-type']).toMatch(/^multipart\/form-data/);
  server?.close();
  const small = await peer(done);
  await small.client.create(new Uint8Array(1000));
  expect(small.asked.map((request) => request.headers['content-type'])).toEqual([expect.stringMatching(/^multipart/)]);
});

test('a 429 is repeated after the time that it names', async () => {
  const { client, asked } = await peer(json(429, overload, { 'retry-after': '0' }), (request, response) =>
    json(200, meshAt(`http://${request.headers.host}`))(request, response),
  );
  expect((await client.create(new Uint8Array(8))).status).toBe('completed');
  expect(asked.map((request) => `${request.method} ${request.url}`)).toEqual(['POST /v1/meshes', 'POST /v1/meshes']);
});

test('an error that a repeat cannot help is thrown at once with its code and parameter', async () => {
  const refusal = { error: { message: 'no', type: 'invalid_request_error', param: 'seed', code: 'invalid_parameter' } };
  const { client, asked } = await peer(json(400, refusal));
  const error = await client.create(new Uint8Array(8)).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(MeshkilnError);
  expect(error).toMatchObject({ status: 400, code: 'invalid_parameter', param: 'seed', message: 'no' });
  expect(asked).toHaveLength(1);
});

test('a mesh that failed is thrown with its own code by wait', async () => {
  const { client, url } = await peer(json(500, overload));
  const failed: MeshObject = {
    ...meshAt(url),
    status: 'failed',
    error: { code: 'unprocessable_image', message: 'nothing stands out' },
  };
  await expect(client.wait(failed)).rejects.toMatchObject({ code: 'unprocessable_image' });
});

test('an abort ends a wait and is not retried', async () => {
  const { client, url, asked } = await peer((request, response) =>
    json(200, { ...meshAt(`http://${request.headers.host}`), status: 'queued', asset: null })(request, response),
  );
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 400);
  const waiting = client.wait({ ...meshAt(url), status: 'queued' }, { signal: controller.signal });
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  const count = asked.length;
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(asked).toHaveLength(count);
});

/** Sends a mesh's states as events, and then ends the stream, breaks it or leaves it open. */
function stream(states: readonly (Partial<MeshObject> & { event: string })[], then: 'end' | 'break' | 'stay') {
  return (request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const texts = states.map(({ event, ...changes }) => {
      const mesh = { ...meshAt(`http://${request.headers.host}`), ...changes };
      return `: still there\r\n\r\nevent: mesh\r\nid: ${event}\r\ndata: ${JSON.stringify(mesh)}\r\n\r\n`;
    });
    response.write(texts.join('') || ': still there\n\n', () => {
      if (then === 'end') response.end();
      if (then === 'break') setTimeout(() => response.destroy(), 50);
    });
  };
}

const running = { status: 'in_progress', asset: null } as const;

test('a wait follows the events of a mesh, and takes a broken stream up after the last that came', async () => {
  const { client, url, asked } = await peer(
    stream([{ event: '1', ...running, progress: 0.2 }], 'break'),
    stream([{ event: '2', ...running, progress: 0.6 }], 'end'),
    stream([{ event: '3' }], 'end'),
  );
  const shares: number[] = [];
  const queued: MeshObject = { ...meshAt(url), ...running, status: 'queued', progress: 0 };
  const mesh = await client.wait(queued, { onProgress: ({ progress }) => shares.push(progress) });
  expect(mesh.status).toBe('completed');
  expect(shares).toEqual([0, 0.2, 0.6, 1]);
  expect(asked.map(({ url: path, headers }) => [path, headers['last-event-id']])).toEqual([
    [`/v1/meshes/${mesh.id}/events`, undefined],
    [`/v1/meshes/${mesh.id}/events`, '1'],
    [`/v1/meshes/${mesh.id}/events`, '2'],
  ]);
});

test('a stream that falls silent is opened anew', async () => {
  const { asked, url } = await peer(
    stream([{ event: '1', ...running, progress: 0.2 }], 'stay'),
    stream([{ event: '2' }], 'end'),
  );
  const client = new Meshkiln({ url, apiKey: 'mk_test', eventSilenceMsMax: 100 });
  expect((await client.wait({ ...meshAt(url), ...running })).status).toBe('completed');
  expect(asked[1]?.headers['last-event-id']).toBe('1');
});

test('where events cannot be had, the mesh is polled', async () => {
  const { client, url, asked } = await peer(
    stream([], 'break'),
    stream([], 'break'),
    stream([], 'break'),
    (request, response) => json(200, { ...meshAt(`http://${request.headers.host}`), ...running })(request, response),
    (request, response) => json(200, meshAt(`http://${request.headers.host}`))(request, response),
  );
  const mesh = await client.wait({ ...meshAt(url), ...running });
  expect(mesh.status).toBe('completed');
  expect(asked.map((request) => request.url?.endsWith('/events'))).toEqual([true, true, true, false, false]);
});

test('an answer that is no stream of events is not taken for one', async () => {
  const { client, url, asked } = await peer((request, response) =>
    json(200, meshAt(`http://${request.headers.host}`))(request, response),
  );
  expect((await client.wait({ ...meshAt(url), ...running })).status).toBe('completed');
  expect(asked).toHaveLength(2);
});

test('an abort ends a stream of events', async () => {
  const { client, url, asked } = await peer(stream([{ event: '1', ...running }], 'stay'));
  const controller = new AbortController();
  const followed = (async () => {
    for await (const mesh of client.follow(meshAt(url).id, controller.signal)) {
      expect(mesh.status).toBe('in_progress');
      controller.abort();
    }
  })();
  await expect(followed).rejects.toMatchObject({ name: 'AbortError' });
  expect(asked).toHaveLength(1);
});

test('the calls of a client share ten retries, and earn one with ten calls', async () => {
  const { client, asked } = await peer(json(503, overload, { 'retry-after': '0' }));
  const call = () => client.get('mesh_1').catch((error: unknown) => error);
  for (let calls = 0; calls < 4; calls++) expect(await call()).toMatchObject({ status: 503 });
  expect(asked).toHaveLength(4 + 10);
  for (let calls = 0; calls < 10; calls++) await call();
  expect(asked).toHaveLength(4 + 10 + 10 + 1);
});

test('a server that asks for more than a minute is not waited for', async () => {
  const { client, asked } = await peer(json(429, overload, { 'retry-after': '61' }));
  await expect(client.get('mesh_1')).rejects.toMatchObject({ status: 429 });
  expect(asked).toHaveLength(1);
});
