import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { validateBytes } from 'gltf-validator';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

test('npm run demo writes a valid textured mesh and prints the miss beside the hit', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'meshkiln-demo-test-'));
  const demo = join(root, 'local/demo.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [demo], { cwd: folder });
  expect(stdout).toMatch(/cache +miss +hit/);
  expect(stdout).toMatch(/Stages of the first, ms: queue \d+ {2}decode \d+ .* encode \d+/);
  expect(stdout).toMatch(/watertight/);

  const glb = new Uint8Array(await readFile(join(folder, 'teddy-bear.glb')));
  const report = await validateBytes(glb);
  expect(report.issues).toMatchObject({ numErrors: 0, numWarnings: 0 });
  expect(report.info).toMatchObject({ hasTextures: true });
  await rm(folder, { recursive: true });
});
