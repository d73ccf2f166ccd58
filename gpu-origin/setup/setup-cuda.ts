// `npm run setup:cuda`: puts the CUDA libraries of ONNX Runtime in place from npm and tells whether they load; with
// `-- --place-only` it leaves that out, for an image that is built where there is no GPU.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { causeText } from '../log.ts';
import { isGraphModel, readRepository } from '../models/repository.ts';
import { cudaPackage, fetchArchive, placeLibraries, requireSameVersion } from './cuda-package.ts';
import { tryProvider } from './providers.ts';
import { installedRuntime } from './runtime.ts';

const modelsFolder = process.env.MODELS_DIR ?? join(import.meta.dirname, '../../models');

/** What the libraries need that no npm package holds. */
const cudaNeeds =
  'They need an NVIDIA driver for CUDA 13, and the CUDA 13 runtime, cuBLAS, cuRAND and cuDNN 9 on the library path ' +
  '(LD_LIBRARY_PATH, or a CUDA 13 base image).';

try {
  await setUp();
} catch (error) {
  console.error(`CUDA was not set up: ${causeText(error)}`);
  process.exitCode = 1;
}

async function setUp(): Promise<void> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(`the libraries are for linux-x64, this is ${process.platform}-${process.arch}`);
  }
  const runtime = await installedRuntime();
  requireSameVersion(cudaPackage, runtime);
  const workFolder = await mkdtemp(join(tmpdir(), 'meshkiln-cuda-'));
  try {
    console.log(`Fetching ${cudaPackage.name}@${cudaPackage.version} (179 MB) …`);
    const archive = await fetchArchive(cudaPackage, workFolder);
    for (const path of await placeLibraries(cudaPackage, { archive, workFolder }, runtime))
      console.log(`placed ${path}`);
  } finally {
    await rm(workFolder, { recursive: true });
  }
  if (!process.argv.includes('--place-only')) await tellWhetherItWorks();
}

async function tellWhetherItWorks(): Promise<void> {
  const model = (await readRepository(modelsFolder)).models.find(isGraphModel);
  if (model === undefined) throw new Error(`there is no model in ${modelsFolder} to try it with`);
  const trial = await tryProvider('cuda', 0, model);
  if (trial.works) console.log(`cuda works: ${model.id} was loaded and checked in ${trial.ms.toFixed(0)} ms`);
  else throw new Error(`the libraries are in place, but cuda does not start:\n${trial.cause}\n${cudaNeeds}`);
}
