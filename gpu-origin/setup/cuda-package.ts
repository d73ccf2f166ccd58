import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** An npm package with the CUDA provider's libraries, by the digest of its archive. */
export type CudaPackage = {
  name: string;
  version: string;
  sha512: string;
  /** Version of ONNX Runtime that its libraries were built with. */
  runtimeVersion: string;
  /** Folder in the archive that holds them. */
  folder: string;
  files: readonly string[];
};

/** CUDA 13 libraries of ONNX Runtime 1.29.0 (MIT), 179 MB; the TensorRT library in it is not used. */
export const cudaPackage: CudaPackage = {
  name: 'com.github.asus4.onnxruntime.linux-x64-gpu',
  version: '0.4.9',
  sha512: 'FopIhNE/Ng+v2X65wVc9clPCBCvhvA53Hxo2U0Kf5fGdVsC7iCA+mZ0KLWggcQAj7TIZ6pNidR4AC10g74Xo6w==',
  runtimeVersion: '1.29.0',
  folder: 'package/Plugins/Linux/x64',
  files: ['libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so'],
};

/** Where onnxruntime-node keeps its libraries, and of which version they are. */
export type Runtime = { version: string; folder: string };

/** Throws when the libraries are of another version than the runtime: loaded together they crash, unchecked. */
export function requireSameVersion(wanted: CudaPackage, runtime: Runtime): void {
  if (runtime.version === wanted.runtimeVersion) return;
  throw new Error(
    `onnxruntime-node is ${runtime.version}, but ${wanted.name}@${wanted.version} is for ${wanted.runtimeVersion}`,
  );
}

/** Fetches the package's archive with npm, from whichever registry npm is set to; gives its path. */
export async function fetchArchive(wanted: CudaPackage, into: string): Promise<string> {
  const spec = `${wanted.name}@${wanted.version}`;
  const { stdout } = await run('npm', ['pack', spec, '--silent', '--pack-destination', into]);
  return join(into, stdout.trim().split('\n').at(-1) ?? '');
}

/** Proves the archive's digest, unpacks it and puts the libraries beside the runtime's own; gives their paths. */
export async function placeLibraries(
  wanted: CudaPackage,
  from: { archive: string; workFolder: string },
  runtime: Runtime,
): Promise<string[]> {
  const sha512 = createHash('sha512')
    .update(await readFile(from.archive))
    .digest('base64');
  if (sha512 !== wanted.sha512) throw new Error(`${from.archive} has sha512 ${sha512}, not ${wanted.sha512}`);
  const members = wanted.files.map((file) => `${wanted.folder}/${file}`);
  await run('tar', ['-xzf', from.archive, '-C', from.workFolder, ...members]);
  const placed: string[] = [];
  for (const file of wanted.files) {
    const path = join(runtime.folder, file);
    // A running origin may have the old library open: it keeps it, the new name takes its place whole.
    await copyFile(join(from.workFolder, wanted.folder, file), `${path}.new`);
    await rename(`${path}.new`, path);
    placed.push(path);
  }
  return placed;
}
