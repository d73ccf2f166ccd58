import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cudaPackage, placeLibraries, requireSameVersion } from '../../../gpu-origin/setup/cuda-package.ts';
import { canServe, diagnose } from '../../../gpu-origin/setup/diagnose.ts';
import { installedRuntime } from '../../../gpu-origin/setup/runtime.ts';
import { doubling, writeModel } from '../support/models.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'setup-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** An archive laid out like the package, a few bytes instead of 179 MB. */
async function smallArchive() {
  const inside = join(folder, 'source', cudaPackage.folder);
  await mkdir(inside, { recursive: true });
  for (const file of cudaPackage.files) await writeFile(join(inside, file), `the library ${file}`);
  await writeFile(join(inside, 'libonnxruntime_providers_tensorrt.so'), 'not wanted');
  const archive = join(folder, 'package.tgz');
  execFileSync('tar', ['-czf', archive, '-C', join(folder, 'source'), 'package']);
  const sha512 = createHash('sha512')
    .update(await readFile(archive))
    .digest('base64');
  const runtime = { version: cudaPackage.runtimeVersion, folder: join(folder, 'runtime') };
  const workFolder = join(folder, 'work');
  await mkdir(runtime.folder);
  await mkdir(workFolder);
  return { archive, sha512, runtime, workFolder };
}

test('the libraries that are wanted are put beside the runtime', async () => {
  const { sha512, runtime, ...from } = await smallArchive();
  const placed = await placeLibraries({ ...cudaPackage, sha512 }, from, runtime);
  expect(placed).toEqual(cudaPackage.files.map((file) => join(runtime.folder, file)));
  expect((await readdir(runtime.folder)).toSorted()).toEqual([...cudaPackage.files].toSorted());
  expect(await readFile(placed[1] ?? '', 'utf8')).toBe('the library libonnxruntime_providers_cuda.so');
});

test('an archive with another digest is refused before it is unpacked', async () => {
  const { runtime, ...from } = await smallArchive();
  await expect(placeLibraries(cudaPackage, from, runtime)).rejects.toThrow(/has sha512 .*, not FopIhNE/);
  expect(await readdir(runtime.folder)).toEqual([]);
});

test('the libraries are for the runtime that is installed, and another version is refused', async () => {
  const runtime = await installedRuntime();
  requireSameVersion(cudaPackage, runtime);
  expect(await readdir(runtime.folder)).toContain('libonnxruntime.so.1');
  expect(() => requireSameVersion(cudaPackage, { ...runtime, version: '1.30.0' })).toThrow('is 1.30.0, but');
});

test('the doctor tries each provider for real and names what is wrong', async () => {
  await writeModel(join(folder, 'models'), { double: doubling });
  const bad = await writeModel(join(folder, 'models'), { double: doubling }, { name: 'bad' });
  await rm(join(bad.folder, 'double.onnx'));
  // No machine has a device 99, whatever libraries it has.
  const findings = await diagnose({ modelsFolder: join(folder, 'models'), stateFolder: folder, device: 99 });
  const texts = (subject: string) => findings.filter((each) => each.subject === subject);
  expect(texts('provider cpu')).toMatchObject([{ good: true }]);
  expect(texts('provider cuda')).toMatchObject([{ good: false, text: expect.stringMatching(/cuda/i) as string }]);
  expect(texts('model')).toMatchObject([
    { good: true, text: expect.stringContaining('small@1') as string },
    { good: false, text: expect.stringContaining('cannot be read (ENOENT') as string },
  ]);
  expect(canServe(findings)).toBe(true);
});

test('with no model that is right there is nothing to serve', async () => {
  await mkdir(join(folder, 'models'));
  const findings = await diagnose({ modelsFolder: join(folder, 'models'), stateFolder: folder, device: 0 });
  expect(canServe(findings)).toBe(false);
});
