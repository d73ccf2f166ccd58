import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Runtime } from './cuda-package.ts';

/** The installed onnxruntime-node; its libraries' folder is the one for this platform. */
export async function installedRuntime(): Promise<Runtime> {
  const path = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
  const { version } = z.object({ version: z.string() }).parse(JSON.parse(await readFile(path, 'utf8')));
  return { version, folder: join(dirname(path), 'bin/napi-v6', process.platform, process.arch) };
}
