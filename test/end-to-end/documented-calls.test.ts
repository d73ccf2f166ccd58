import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { MeshObject } from '../../contract/mesh.ts';
import { localAdminKeyCommand, localKeyCommand } from '../../contract/own-machine.ts';
import { exampleAssetSha256, exampleMeshId } from '../../edge/openapi/examples.ts';
import { operationsOf, undocumented, type DocumentedOperation, type OpenApiDocument } from '../documented.ts';
import { runCurl, sendCurlLine } from './curl-line.ts';
import { emoji, startMeshkiln, type Running } from './meshkiln.ts';

const root = join(import.meta.dirname, '../..');

let running: Running;
let document: OpenApiDocument;
let folder: string;
let environment: Record<string, string>;
let picture: Uint8Array<ArrayBuffer>;

beforeAll(async () => {
  // Within the repository, so that what is written there finds the OpenAI SDK.
  await mkdir(join(root, 'test-output'), { recursive: true });
  folder = await mkdtemp(join(root, 'test-output/documented-calls-'));
  running = await startMeshkiln();
  document = (await (await fetch(`${running.edgeUrl}/openapi.json`)).json()) as OpenApiDocument;
  picture = new Uint8Array(
    await sharp(await emoji('1f9f8'))
      .png()
      .toBuffer(),
  );
  await writeFile(join(folder, 'picture.png'), picture);
  const { apiKey, adminKey } = running.settings;
  environment = { MESHKILN_URL: running.edgeUrl, MESHKILN_API_KEY: apiKey, MESHKILN_ADMIN_KEY: adminKey };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await running?.close();
  if (folder) await rm(folder, { recursive: true });
});

/** The mesh of the picture, made or made again where an example has deleted or purged it. */
async function theMesh(): Promise<MeshObject> {
  return running.client.wait(await running.client.create(picture));
}

/** What a shell does for the lines of our documentation, taken from the environment, which needs no second npm. */
const keyFromHere = (line: string) =>
  line.replaceAll(localAdminKeyCommand, '$MESHKILN_ADMIN_KEY').replaceAll(localKeyCommand, '$MESHKILN_API_KEY');

/** An example with a mesh and an API key that are there in the place of those that it speaks of. */
async function filledIn(text: string): Promise<string> {
  const { id, asset } = await theMesh();
  const filled = text.replaceAll(exampleMeshId, id).replaceAll(exampleAssetSha256, asset?.sha256 ?? '');
  return exampleKeyId.test(filled) ? filled.replace(exampleKeyId, await newKeyId()) : filled;
}

const exampleKeyId = /key_[0-9a-f]{32}/;

/** Id of a key that was made for one example, which may end it. */
async function newKeyId(): Promise<string> {
  const answer = await fetch(`${running.edgeUrl}/admin/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${environment.MESHKILN_ADMIN_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ tenant: 'acme' }),
  });
  return ((await answer.json()) as { id: string }).id;
}

async function runSample({
  operation,
  source,
  lang,
}: {
  operation: DocumentedOperation;
  source: string;
  lang: string;
}) {
  const text = keyFromHere(await filledIn(source));
  if (text.startsWith('curl ')) {
    const answer = await sendCurlLine(text, { folder, environment });
    expect(answer.status, `${text}\n${await answer.clone().text()}`).toBeLessThan(300);
    expect(await undocumented(document, operation, answer), text).toEqual([]);
    const again = keyFromHere(await filledIn(source));
    expect([null, 200, 201, 202], again).toContain(await runCurl(again, { folder, environment }));
  } else if (text.startsWith('npm run ')) {
    await runScript(text);
  } else if (lang === 'JavaScript') {
    await runModule(text);
  }
}

let modules = 0;

/** Runs a module in the folder, as its reader would; what it prints is not shown. */
async function runModule(text: string): Promise<void> {
  const file = join(folder, `sample-${modules++}.mjs`);
  await writeFile(file, text);
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  const home = process.cwd();
  process.chdir(folder);
  try {
    await import(pathToFileURL(file).href).catch((error: unknown) => {
      throw new Error(`this sample fails:\n${text}`, { cause: error });
    });
    if (text.includes('console.log')) expect(log, text).toHaveBeenCalled();
  } finally {
    process.chdir(home);
    log.mockRestore();
  }
}

/** `npm run NAME -- …` as npm would, but for finding Node. */
async function runScript(line: string): Promise<void> {
  const [, , name = '', , ...words] = line.split(' ');
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const [, file = ''] = (scripts[name] ?? '').split(' ');
  await promisify(execFile)(process.execPath, [join(root, file), ...words], { cwd: folder });
}

test('every code sample of the OpenAPI document works', async () => {
  let ran = 0;
  for (const operation of operationsOf(document)) {
    for (const sample of operation['x-codeSamples'] ?? []) {
      await runSample({ operation, ...sample });
      ran += 1;
    }
  }
  expect(ran).toBeGreaterThan(40);
  for (const file of ['mesh.glb', 'mesh.stl', 'mesh.webp']) {
    expect((await stat(join(folder, file))).size, file).toBeGreaterThan(1000);
  }
});

test('the first curl line of the docs page of an edge on this machine works as it stands, in this folder', async () => {
  const [first] = operationsOf(document).flatMap(({ 'x-codeSamples': samples = [] }) => samples);
  const { MESHKILN_URL, MESHKILN_STATE } = { MESHKILN_URL: running.edgeUrl, MESHKILN_STATE: running.stateFolder };
  const status = await runCurl(first?.source ?? '', {
    folder,
    environment: { MESHKILN_URL, MESHKILN_STATE, MESHKILN_API_KEY: undefined },
  });
  expect([null, 200, 202]).toContain(status);
});

test('every Python sample of the OpenAPI document asks what the JavaScript one asks, and is Python', async () => {
  const samples = operationsOf(document).flatMap(({ 'x-codeSamples': of = [] }) => of);
  const python = samples.filter(({ lang }) => lang === 'Python').map(({ source }) => source);
  const javaScript = samples.filter(({ label }) => label === 'OpenAI SDK, JavaScript').map(({ source }) => source);
  expect(python.length).toBeGreaterThan(10);
  expect(python.map(callIn)).toEqual(javaScript.map(callIn));
  expect(python.map(callIn)).not.toContain(null);
  const files = await Promise.all(
    python.map(async (source, i) => {
      const file = join(folder, `sample_${i}.py`);
      await writeFile(file, source);
      return file;
    }),
  );
  const compiled = await promisify(execFile)('python3', ['-m', 'py_compile', ...files]).catch(
    (error: unknown) => error,
  );
  // Only Python itself can say more than that, and it need not be on the machine.
  const isAway = (compiled as NodeJS.ErrnoException).code === 'ENOENT';
  if (!isAway) expect(compiled).not.toBeInstanceOf(Error);
});

/** The method and path that a sample of an OpenAI SDK calls. */
function callIn(source: string): string | null {
  const [, method, , path] = /client\.(get|post|delete|put)\(\s*(["'`])(.+?)\2/.exec(source) ?? [];
  return method === undefined ? null : `${method} ${path}`;
}

test('every example of a body in the OpenAPI document is taken', async () => {
  for (const operation of operationsOf(document)) {
    const [{ apiKey: scopes = [] } = {}] = operation.security;
    const key = scopes.includes('admin') ? environment.MESHKILN_ADMIN_KEY : environment.MESHKILN_API_KEY;
    for (const [mediaType, { examples = {} }] of Object.entries(operation.requestBody?.content ?? {})) {
      for (const [name, { value }] of Object.entries(examples)) {
        const path = operation.path.replace('{id}', await newKeyId()).replace('{tenant}', 'acme');
        const answer = await fetch(running.edgeUrl + path, {
          method: operation.method,
          headers: { authorization: `Bearer ${key}`, 'content-type': mediaType },
          body: await filledIn(JSON.stringify(value)),
        });
        expect(answer.status, `${operation.operationId}, ${name}: ${await answer.clone().text()}`).toBeLessThan(300);
        const seen = answer.clone();
        expect(await undocumented(document, operation, answer), name).toEqual([]);
        if (operation.operationId !== 'createMesh') continue;
        expect((await running.client.wait((await seen.json()) as MeshObject)).status).toBe('completed');
      }
    }
  }
});

test.each(['README.md', 'docs/api.md'])('every line of curl in %s works', async (file) => {
  const lines = curlLines(await readFile(join(root, file), 'utf8'));
  expect(lines.length).toBeGreaterThan(0);
  for (const written of lines) {
    const mesh = await theMesh();
    const here = { folder, environment: { ...environment, ID: mesh.id } };
    const line = keyFromHere(written).replaceAll('http://127.0.0.1:8787', running.edgeUrl);
    const answer = await sendCurlLine(line, here);
    expect(answer.status, `${line}\n${await answer.text()}`).toBeLessThan(300);
    await theMesh();
    expect([null, 200, 202], line).toContain(await runCurl(line, here));
  }
});

/** The lines of curl in a document's code, continuations included. */
function curlLines(markdown: string): string[] {
  const blocks = [...markdown.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block = '']) => block);
  return blocks.flatMap((block) =>
    block
      .replaceAll(/\\\n\s*/g, ' ')
      .split('\n')
      .filter((line) => line.startsWith('curl ')),
  );
}
