import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { emojiFolder, startMeshkiln, type Running } from './meshkiln.ts';

let running: Running;
let folder: string;

beforeAll(async () => {
  running = await startMeshkiln();
  folder = await mkdtemp(join(tmpdir(), 'meshkiln-command-line-'));
});
afterAll(async () => {
  await running.close();
  await rm(folder, { recursive: true });
});

type Ended = { code: number; stdout: string; stderr: string };

/** What `npm run mesh -- …` runs, with its output piped as in a script. */
function mesh(...parameters: string[]): Promise<Ended> {
  const command = join(import.meta.dirname, '../../client/command-line.ts');
  const env = { ...process.env, MESHKILN_URL: running.edgeUrl, MESHKILN_API_KEY: running.settings.apiKey };
  return new Promise((resolve) => {
    execFile(process.execPath, [command, ...parameters], { env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

const bear = join(emojiFolder, '1f9f8.webp');

test('a picture becomes a file of the format that its ending names, with plain progress lines', async () => {
  const file = join(folder, 'bear.stl');
  const { code, stdout, stderr } = await mesh(bear, '-o', file, '--faces', '2000');
  expect(code).toBe(0);
  expect(stdout).toMatch(/bear\.stl: \d+ faces, \d+ bytes, cache miss/);
  expect(stderr).toMatch(/completed 100 %/);
  const faces = Number(/(\d+) faces/.exec(stdout)?.[1]);
  expect((await readFile(file)).readUInt32LE(80)).toBe(faces);
});

test.each<[string, string[], RegExp]>([
  ['an unknown ending', ['-o', 'bear.fbx'], /ending must be/],
  ['a wrong value', ['-o', 'bear.glb', '--compression', 'zip'], /^compression: /],
])('%s ends it before anything is sent', async (_what, parameters, message) => {
  const { code, stderr } = await mesh(bear, ...parameters);
  expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
});

test('what the edge refuses is told with its code', async () => {
  const { code, stderr } = await mesh(bear, '-o', join(folder, 'bear.glb'), '--model', 'nothing');
  expect([code, stderr]).toEqual([1, expect.stringMatching(/model_not_found: model/)]);
});
