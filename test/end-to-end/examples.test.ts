import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { emojiFolder, startMeshkiln, type Running } from './meshkiln.ts';

const examples = join(import.meta.dirname, '../../examples');
let running: Running;
let folder: string;

beforeAll(async () => {
  running = await startMeshkiln();
  folder = await mkdtemp(join(tmpdir(), 'meshkiln-examples-'));
});
afterAll(async () => {
  await running?.close();
  if (folder) await rm(folder, { recursive: true });
});

test('each program in examples/ makes a mesh of a picture', async () => {
  const programs = (await readdir(examples)).filter((name) => /\.m?[jt]s$/.test(name));
  expect(programs.length).toBeGreaterThan(1);
  const env = { ...process.env, MESHKILN_URL: running.edgeUrl, MESHKILN_API_KEY: running.settings.apiKey };
  for (const program of programs) {
    const file = join(folder, `${program}.glb`);
    const parameters = [join(examples, program), join(emojiFolder, '1f9f8.webp'), file];
    const { stdout } = await promisify(execFile)(process.execPath, parameters, { env });
    expect(stdout).toMatch(/completed 100 %[^]*triangles, cache (miss|hit)/);
    expect((await readFile(file)).subarray(0, 4).toString()).toBe('glTF');
  }
});
