// `npm run demo [-- picture]`: both programs from nothing, one picture fired once, then asked for again.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Meshkiln } from '../client/meshkiln.ts';
import { progressReporter } from '../client/progress.ts';
import { stages, type MeshObject } from '../contract/mesh.ts';
import { freePort } from './free-port.ts';
import { startPrograms } from './programs.ts';
import { edgeUrl, localSettings } from './settings.ts';

const teddyBear = fileURLToPath(import.meta.resolve('@lobehub/fluent-emoji-3d/assets/1f9f8.webp'));

type Answer = { mesh: MeshObject; elapsedMs: number };

const pictureFile = process.argv[2] ?? teddyBear;
const outputFile = pictureFile === teddyBear ? 'teddy-bear.glb' : `${basename(pictureFile, extname(pictureFile))}.glb`;

// A state folder of its own: the first request is a true miss however often the demo runs.
const stateFolder = await mkdtemp(join(tmpdir(), 'meshkiln-demo-'));
const log: string[] = [];
try {
  const picture = new Uint8Array(await readFile(pictureFile));
  const settings = localSettings({ stateFolder, edgePort: await freePort(), originPort: await freePort() });
  console.log('Starting the edge (workerd) and the origin (ONNX Runtime) on this machine …');
  const programs = await startPrograms(settings, (program, line) => log.push(`${program} ${line}`));
  try {
    const client = new Meshkiln({ url: edgeUrl(settings), apiKey: settings.apiKey });
    console.log(`Sending ${basename(pictureFile)} (${picture.length} bytes)`);
    const first = await ask(client, picture);
    await writeFile(outputFile, await client.download(first.mesh));
    const again = await ask(client, picture);
    print(first, again);
  } finally {
    await programs.stop();
  }
} catch (error) {
  console.error(log.join('\n'));
  console.error(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  await rm(stateFolder, { recursive: true, force: true });
}

/** Asks for the mesh as any client would, from the request to the completed answer. */
async function ask(client: Meshkiln, picture: Uint8Array<ArrayBuffer>): Promise<Answer> {
  const progress = progressReporter(process.stdout);
  const start = performance.now();
  const asked = await client.create(picture);
  const mesh = await client.wait(asked, { onProgress: progress.show });
  const elapsedMs = performance.now() - start;
  progress.end();
  return { mesh, elapsedMs };
}

function print(first: Answer, again: Answer): void {
  const rows: [string, (answer: Answer) => string][] = [
    ['cache', ({ mesh }) => [mesh.cache.status, mesh.cache.tier].filter(Boolean).join(', from ')],
    ['time to the answer', ({ elapsedMs }) => `${elapsedMs.toFixed(1)} ms`],
    [
      'inference stage',
      ({ mesh }) => (mesh.cache.status === 'hit' ? 'none' : `${mesh.timings_ms?.infer.toFixed(1)} ms`),
    ],
    ['model time saved', ({ mesh }) => `${mesh.cache.saved_gpu_ms.toFixed(1)} ms`],
    ['sha256', ({ mesh }) => `${mesh.asset?.sha256.slice(0, 16)}…`],
  ];
  console.log(`\n${''.padEnd(20)}${'first time'.padEnd(20)}again`);
  for (const [label, cell] of rows) console.log(`${label.padEnd(20)}${cell(first).padEnd(20)}${cell(again)}`);

  const { timings_ms: timings, asset, provider, model, degraded } = first.mesh;
  const shares = stages.map((stage) => `${stage} ${timings?.[stage].toFixed(0)}`).join('  ');
  console.log(`\nStages of the first, ms: ${shares}  total ${timings?.total.toFixed(0)}`);
  console.log(`Model ${model} on ${provider}${degraded ? ' (degraded: the provider asked for was not there)' : ''}`);
  console.log(
    `${outputFile}: ${asset?.faces} triangles, ${asset?.bytes} bytes, ${asset?.watertight ? 'watertight' : 'NOT watertight'}`,
  );
  console.log('\nBoth times were taken at the client in this one run, progress events included in the first.');
}
