import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { Job } from '../../contract/job.ts';
import type { MeshObject } from '../../contract/mesh.ts';
import { connectorTo, startTlsServer, type TlsServer } from '../outside/tls-server.ts';
import { startEdgeAlone, type EdgeAlone } from './edge-alone.ts';

type Received = { path: string; headers: Record<string, string>; body: string };
type Event = { type: string; timestamp: string; data: MeshObject };
type Delivery = { id: string; type: string; mesh: string; status: string; attempts: number; response_status: number };

const internet = '127.0.0.2';
const patience = { timeout: 30_000, interval: 50 };

let edge: EdgeAlone;
let server: TlsServer;
let received: Received[] = [];
/** How the receiver answers its next calls; 204 when there is none left. */
let answers: { status: number; location?: string }[] = [];
/** Picture 0 is of a mesh that is made before the first test; each new number is a new one. */
let pictures = 0;

beforeAll(async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  server = await startTlsServer(
    async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const headers = request.headers as Record<string, string>;
      received.push({ path: request.url ?? '', headers, body: Buffer.concat(chunks).toString() });
      const { status, location } = answers.shift() ?? { status: 204 };
      response.writeHead(status, location === undefined ? {} : { location }).end();
    },
    { host: internet },
  );
  edge = await startEdgeAlone({
    resolve: async (name) => [{ address: name === 'hooks.example' ? internet : '127.0.0.1', family: 4 }],
    permits: (address) => address === internet,
    connector: connectorTo(server.port),
  });
  await edge.origin.complete(await jobOf(await post('/first', { number: 0 })));
  await calls('/first');
});
afterAll(async () => {
  await edge.close();
  server.close();
});
beforeEach(() => {
  received = [];
  answers = [];
});

function pictureNumber(number: number): Buffer<ArrayBuffer> {
  const png = Buffer.alloc(64);
  Buffer.from('89504e470d0a1a0a0000000d494844520000000800000008', 'hex').copy(png);
  png.writeUInt32BE(number, 40);
  return png;
}

async function post(path: string, { number = ++pictures, host = 'hooks.example' } = {}): Promise<MeshObject> {
  const form = new FormData();
  form.set('image', new File([pictureNumber(number)], 'picture.png'));
  form.set('webhook_url', `https://${host}${path}`);
  form.set('metadata', '{"order":"7"}');
  const answer = await edge.call('/v1/meshes', { method: 'POST', body: form });
  expect(answer.ok).toBe(true);
  return (await answer.json()) as MeshObject;
}

function jobOf(mesh: MeshObject): Promise<Job> {
  return vi.waitFor(() => {
    const job = edge.origin.jobs.find(({ key }) => mesh.id.endsWith(key));
    if (job === undefined) throw new Error('no job yet');
    return job;
  }, patience);
}

/** What was received at a path, once it is so many. */
async function calls(path: string, count = 1): Promise<Received[]> {
  return vi.waitFor(() => {
    const found = received.filter((call) => call.path === path);
    expect(found).toHaveLength(count);
    return found;
  }, patience);
}

async function secret(method = 'GET'): Promise<string> {
  return ((await (await edge.call('/v1/webhook_secret', { method })).json()) as { secret: string }).secret;
}

async function deliveryOf(mesh: MeshObject): Promise<Delivery | undefined> {
  const { data } = (await (await edge.call('/v1/webhook_deliveries')).json()) as { data: Delivery[] };
  return data.find((delivery) => delivery.mesh === mesh.id);
}

async function verified({ body, headers }: Received, by?: string): Promise<Event> {
  return new Webhook(by ?? (await secret())).verify(body, headers) as Event;
}

test('a mesh that is made is told of with the tenant’s metadata, signed, and a hit at once', async () => {
  const mesh = await post('/made');
  await edge.origin.complete(await jobOf(mesh));
  const event = await verified((await calls('/made'))[0] as Received);
  expect(event).toMatchObject({ type: 'mesh.completed', data: { id: mesh.id, status: 'completed' } });
  expect(event.data.metadata).toEqual({ order: '7' });
  expect(event.data.asset?.url).toMatch(`${edge.url}/assets/`);

  await post('/hit', { number: pictures });
  expect(await verified((await calls('/hit'))[0] as Received)).toMatchObject({ type: 'mesh.completed' });
});

test('a mesh that fails, and one that is cancelled, are told of', async () => {
  const failing = await post('/failed');
  await edge.origin.fail(await jobOf(failing));
  const failed = await verified((await calls('/failed'))[0] as Received);
  expect(failed).toMatchObject({ type: 'mesh.failed', data: { error: { code: 'unprocessable_image' } } });

  const cancelling = await post('/cancelled');
  await edge.call(`/v1/meshes/${cancelling.id}/cancel`, { method: 'POST' });
  const cancelled = await verified((await calls('/cancelled'))[0] as Received);
  expect(cancelled).toMatchObject({ type: 'mesh.cancelled', data: { id: cancelling.id, status: 'cancelled' } });
});

test('a receiver that fails is tried again with the same id and body, over a restart of the edge', async () => {
  answers = [{ status: 500 }];
  const mesh = await post('/retried');
  await edge.origin.complete(await jobOf(mesh));
  await calls('/retried');
  await vi.waitFor(async () => expect(await deliveryOf(mesh)).toMatchObject({ attempts: 1 }), patience);
  expect(await deliveryOf(mesh)).toMatchObject({ status: 'pending', response_status: 500 });
  await edge.restart();
  const [first, second] = (await calls('/retried', 2)) as [Received, Received];
  expect(second.headers['webhook-id']).toBe(first.headers['webhook-id']);
  expect(second.body).toBe(first.body);
  await verified(second);
  await vi.waitFor(async () => expect(await deliveryOf(mesh)).toMatchObject({ status: 'delivered' }), patience);
});

test('while the secret is changed, both sign', async () => {
  const before = await secret();
  const after = await secret('POST');
  expect(after).not.toBe(before);
  await post('/rotated', { number: 0 });
  const [call] = (await calls('/rotated')) as [Received];
  await verified(call, before);
  await verified(call, after);
  await expect(verified(call, 'whsec_AAAA')).rejects.toThrow(/signature/);
});

test('an event goes to nothing inside: not by its name, not by a redirect', async () => {
  const connections = server.connections;
  const inside = await post('/inside', { number: 0, host: 'inside.example' });
  await vi.waitFor(async () => expect(await deliveryOf(inside)).toMatchObject({ attempts: 1 }), patience);
  expect(await deliveryOf(inside)).toMatchObject({ status: 'pending', response_status: null });
  expect(server.connections).toBe(connections);

  answers = [{ status: 307, location: 'https://hooks.example/elsewhere' }];
  const moved = await post('/moved', { number: 0 });
  // Only an attempt that has ended cannot follow the redirect any more.
  await vi.waitFor(async () => expect(await deliveryOf(moved)).toMatchObject({ response_status: 307 }), patience);
  expect(received.map(({ path }) => path)).toEqual(['/moved']);
});
