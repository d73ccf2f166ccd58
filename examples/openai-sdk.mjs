// One picture to one mesh with the OpenAI SDK: node examples/openai-sdk.mjs picture.png mesh.glb
import { openAsBlob, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import OpenAI from 'openai';

const [picture = 'picture.png', file = 'mesh.glb'] = process.argv.slice(2);
// The key that npm start made; that of another edge is in the variable.
const localKey = () => readFileSync(new URL('../.meshkiln/api-key', import.meta.url), 'utf8');
const client = new OpenAI({
  baseURL: `${process.env.MESHKILN_URL ?? 'http://127.0.0.1:8787'}/v1`,
  apiKey: process.env.MESHKILN_API_KEY ?? localKey(),
});

const body = new FormData();
body.set('image', await openAsBlob(picture), picture);
let mesh = await client.post('/meshes', { body });
for await (mesh of await client.get(`/meshes/${mesh.id}/events`, { stream: true })) {
  console.log(mesh.status, `${Math.round(mesh.progress * 100)} %`);
}
if (mesh.status !== 'completed') throw new Error(mesh.error?.message ?? mesh.status);
const answer = await client.get(`/meshes/${mesh.id}/content`).asResponse();
await writeFile(file, Buffer.from(await answer.arrayBuffer()));
console.log(`${file}: ${mesh.asset.faces} triangles, cache ${mesh.cache.status}`);
