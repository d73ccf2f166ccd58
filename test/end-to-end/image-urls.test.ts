import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { MeshObject } from '../../contract/mesh.ts';
import type { ErrorBody } from '../../contract/problem.ts';
import { connectorTo, startTlsServer, type TlsServer } from '../outside/tls-server.ts';
import { startEdgeAlone, type EdgeAlone } from './edge-alone.ts';
import { emoji } from './meshkiln.ts';

/** Stands for the internet; this and no other loopback address may be connected to, by a word of this test alone. */
const internet = '127.0.0.2';

let edge: EdgeAlone;
let server: TlsServer;
let bear: Uint8Array<ArrayBuffer>;
const names: Record<string, string> = { 'pictures.example': internet, 'elsewhere.example': '127.0.0.1' };

beforeAll(async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  bear = await emoji('1f9f8');
  server = await startTlsServer(
    ({ url }, response) => {
      if (url === '/bear.webp') response.end(bear);
      else if (url === '/endless') response.writeHead(200).write(Buffer.alloc(21 * 1024 * 1024));
      else if (url === '/inside') response.writeHead(302, { location: 'https://elsewhere.example/' }).end();
      else if (url === '/moved') response.writeHead(301, { location: 'bear.webp' }).end();
      else response.writeHead(404).end('a secret');
    },
    { host: internet },
  );
  edge = await startEdgeAlone({
    resolve: async (name) => [{ address: names[name] ?? '127.0.0.1', family: 4 }],
    permits: (address) => address === internet,
    connector: connectorTo(server.port),
  });
});
afterAll(async () => {
  await edge.close();
  server.close();
});

function post(image: string): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  return edge.call('/v1/meshes', { method: 'POST', headers, body: JSON.stringify({ image }) });
}

async function refusal(image: string) {
  const answer = await post(image);
  return [answer.status, ((await answer.json()) as ErrorBody).error.code];
}

test('a picture behind a URL becomes the mesh that its file would be', async () => {
  const direct = (await (await post('https://pictures.example/bear.webp')).json()) as MeshObject;
  const redirected = (await (await post('https://pictures.example/moved')).json()) as MeshObject;
  const form = new FormData();
  form.set('image', new File([bear], 'bear.webp'));
  const sent = (await (await edge.call('/v1/meshes', { method: 'POST', body: form })).json()) as MeshObject;
  expect([direct.status, direct.id, redirected.id]).toEqual(['queued', sent.id, sent.id]);
});

test('what cannot be fetched is refused by its reason, and nothing inside is connected to', async () => {
  const connections = server.connections;
  expect(await refusal('https://elsewhere.example/')).toEqual([400, 'image_fetch_failed']);
  expect(await refusal(edge.url)).toEqual([400, 'invalid_image_url']);
  expect(server.connections).toBe(connections);
  expect(await refusal('https://pictures.example/inside')).toEqual([400, 'image_fetch_failed']);
  expect(await refusal('https://pictures.example/none')).toEqual([400, 'image_fetch_failed']);
  expect(await refusal('https://pictures.example/endless')).toEqual([413, 'body_too_large']);
});
