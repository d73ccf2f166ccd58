import OpenAI, { AuthenticationError, BadRequestError, NotFoundError } from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MeshObject } from '../../contract/mesh.ts';
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

test('the OpenAI SDK throws its own class for each status', async () => {
  const stranger = new OpenAI({ baseURL: `${running.edgeUrl}/v1`, apiKey: 'mk_wrong', maxRetries: 0 });
  await expect(stranger.models.list()).rejects.toBeInstanceOf(AuthenticationError);
  await expect(client.models.retrieve('nothing')).rejects.toBeInstanceOf(NotFoundError);
  const refused = client.post('/meshes', { body: { image: 'data:image/png;base64,AAAA', colour: 'red' } });
  await expect(refused).rejects.toBeInstanceOf(BadRequestError);
  await expect(refused).rejects.toMatchObject({ code: 'unknown_parameter', param: 'colour' });
});
