import { statfs } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { OnnxProvider } from '../../contract/mesh.ts';
import type { GraphManifest } from '../families/manifest.ts';
import { describeModel, isGraphModel, readRepository, type StoredModel } from '../models/repository.ts';
import { variantsOn } from '../models/variants.ts';
import { readGpus } from '../report/nvidia-smi.ts';
import { tryProvider, type Trial } from './providers.ts';
import { installedRuntime } from './runtime.ts';

/** One thing that was looked at: whether it is as an origin could use it, and what was found, on one or more lines. */
export type Finding = { subject: string; good: boolean; text: string };

const GiB = 1024 ** 3;

/** Looks at everything that an origin needs on this machine. Providers are tried for real, each in its own process. */
export async function diagnose(options: {
  modelsFolder: string;
  stateFolder: string;
  device: number;
}): Promise<Finding[]> {
  const { models, faults } = await readRepository(options.modelsFolder);
  const runtime = await installedRuntime();
  return [
    { subject: 'node', good: true, text: process.versions.node },
    { subject: 'onnxruntime-node', good: true, text: runtime.version },
    {
      subject: 'machine',
      good: true,
      text: `${availableParallelism()} threads, ${(totalmem() / GiB).toFixed(1)} GiB memory`,
    },
    await gpuFinding(),
    await diskFinding(options.stateFolder),
    ...models.map(modelFinding),
    ...faults.map(({ file, message }) => ({ subject: 'model', good: false, text: `${file}: ${message}` })),
    ...(await providerFindings(models, options.device)),
  ];
}

/** True when at least one provider works and at least one model is right. */
export function canServe(findings: readonly Finding[]): boolean {
  return ['model', 'provider'].every((kind) => findings.some(({ subject, good }) => good && subject.startsWith(kind)));
}

async function gpuFinding(): Promise<Finding> {
  const gpus = await readGpus();
  if (gpus === null) return { subject: 'gpu', good: false, text: 'nvidia-smi is not there or does not answer' };
  const lines = gpus.map(({ name, memoryTotalBytes }) => `${name}, ${(memoryTotalBytes / GiB).toFixed(1)} GiB`);
  return { subject: 'gpu', good: lines.length > 0, text: lines.join('\n') || 'nvidia-smi lists no whole card' };
}

async function diskFinding(folder: string): Promise<Finding> {
  const disk = await statfs(folder);
  const freeBytes = disk.bavail * disk.bsize;
  return { subject: 'disk', good: freeBytes >= GiB, text: `${(freeBytes / GiB).toFixed(1)} GiB free at ${folder}` };
}

function modelFinding(model: StoredModel): Finding {
  const { id, family, licence } = describeModel(model);
  return { subject: 'model', good: true, text: `${id}, ${family}, ${licence}` };
}

async function providerFindings(models: readonly StoredModel[], device: number): Promise<Finding[]> {
  const model = models.find(isGraphModel);
  if (model === undefined) return [{ subject: 'provider', good: false, text: 'no model to try the providers with' }];
  const findings: Finding[] = [];
  // One after another, so that none is slow or short of memory because of the others.
  for (const provider of OnnxProvider.options) {
    const trial = await tryProvider(provider, device, model);
    const text = trial.works ? workingText(model, trial) : trial.cause;
    findings.push({ subject: `provider ${provider}`, good: trial.works, text });
  }
  return findings;
}

function workingText({ id, manifest }: StoredModel<GraphManifest>, trial: Trial & { works: true }): string {
  const files = variantsOn(manifest, trial.provider).map(({ variant }) => variant.file);
  const from = files.length === 0 ? '' : ` from ${files.join(', ')}`;
  const off = trial.goldenError === null ? '' : `, golden output off by ${trial.goldenError.toPrecision(2)}`;
  return `${id} loaded${from} and checked in ${trial.ms.toFixed(0)} ms${off}`;
}
