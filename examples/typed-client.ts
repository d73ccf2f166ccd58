// One picture to one mesh with the typed client: npx node examples/typed-client.ts picture.png mesh.glb
import { readFile, writeFile } from 'node:fs/promises';
import { edgeAccess } from '../client/edge-access.ts';
import { Meshkiln } from '../client/meshkiln.ts';

const [picture = 'picture.png', file = 'mesh.glb'] = process.argv.slice(2);
const { url, key } = edgeAccess('user');
const client = new Meshkiln({ url, apiKey: key });
const signal = AbortSignal.timeout(120_000);

const asked = await client.create(new Uint8Array(await readFile(picture)), { compression: 'meshopt' }, signal);
const mesh = await client.wait(asked, {
  onProgress: ({ status, progress }) => console.log(status, `${Math.round(progress * 100)} %`),
  signal,
});
await writeFile(file, await client.download(mesh, signal));
console.log(`${file}: ${mesh.asset?.faces} triangles, cache ${mesh.cache.status}`);
