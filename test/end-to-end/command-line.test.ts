import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startImageApi, type ImageApi } from '../gpu-origin/support/image-api.ts';
import { emojiFolder, startMeshkiln, type Running } from './meshkiln.ts';

let running: Running;
let api: ImageApi;
let folder: string;

beforeAll(async () => {
  api = await startImageApi();
  // The programs take this process's environment.
  vi.stubEnv('TEXT_TO_IMAGE_URLS', api.url);
  vi.stubEnv('TEXT_TO_IMAGE_MODEL', 'flux');
  running = await startMeshkiln();
  folder = await mkdtemp(join(tmpdir(), 'meshkiln-command-line-'));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await running.close();
  await api.close();
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

test('a prompt becomes a mesh that says who drew it; another format of it is made from the same picture', async () => {
  const glb = await mesh('--prompt', 'a red disc', '-o', join(folder, 'disc.glb'));
  expect(glb).toMatchObject({ code: 0, stdout: expect.stringMatching(/cache miss, drawn by flux/) as string });
  const ply = await mesh('--prompt', 'a red disc', '-o', join(folder, 'disc.ply'));
  expect(ply).toMatchObject({ code: 0, stdout: expect.stringMatching(/cache miss, drawn by flux/) as string });
  expect(api.calls).toHaveLength(1);
  const neither = await mesh('-o', join(folder, 'disc.glb'));
  expect([neither.code, neither.stdout]).toEqual([2, expect.stringContaining('Usage: ')]);
});

test.each<[string, string[], RegExp]>([
  ['an unknown ending', ['-o', 'bear.fbx'], /ending must be/],
  ['a wrong value', ['-o', 'bear.glb', '--compression', 'zip'], /^--compression: /],
  ['neither true nor false', ['-o', 'bear.glb', '--remove-background', 'yes'], /^--remove-background: must be auto/],
  ['an unknown option', ['-o', 'bear.glb', '--size', '5'], /^Unknown option '--size'[\s\S]*Usage: /],
  ['a folder that is not there', ['-o', 'nowhere/bear.glb'], /^cannot write: .*nowhere/],
])('%s ends it before anything is sent', async (_what, parameters, message) => {
  const { code, stderr } = await mesh(bear, ...parameters);
  expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
});

test('a picture that cannot be read, and a second one, end it before anything is sent', async () => {
  const unreadable = await mesh(folder, '-o', join(folder, 'bear.glb'));
  expect([unreadable.code, unreadable.stderr]).toEqual([2, expect.stringMatching(/^cannot read .*: EISDIR/)]);
  const two = await mesh(bear, bear, '-o', join(folder, 'bear.glb'));
  expect([two.code, two.stdout]).toEqual([2, expect.stringContaining('Usage: ')]);
});

test('what the edge refuses is told with its code', async () => {
  const { code, stderr } = await mesh(bear, '-o', join(folder, 'bear.glb'), '--model', 'nothing');
  expect([code, stderr]).toEqual([1, expect.stringMatching(/model_not_found: model/)]);
});
