import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { z } from 'zod';
import type { Model } from '../../contract/model.ts';
import { digestOf } from '../digest.ts';
import { causeText } from '../log.ts';
import { externalTensors, type ExternalTensor } from './external-data.ts';
import { ModelManifest } from '../families/families.ts';
import type { ModelOf } from '../families/family.ts';
import type { ServerManifest } from '../families/http-mesh.ts';
import type { GraphManifest } from '../families/manifest.ts';

/**
 * A model whose manifest and files are all as they should be. Its id is `name@version`, its digest the SHA-256 of the
 * manifest's bytes, and so of every file that the manifest names.
 */
export type StoredModel<Manifest = ModelManifest> = ModelOf<Manifest> & { folder: string; createdAtSeconds: number };

/** The manifests of models of ONNX graphs, which are run here. */
type OwnManifest = Extract<ModelManifest, { graphs: unknown }>;

/** True for a model of ONNX graphs, which is run here; false for one behind an HTTP server. */
export function isGraphModel(model: StoredModel): model is StoredModel<OwnManifest> {
  return 'graphs' in model.manifest;
}

/** True for a model behind an HTTP server. */
export function isServerModel(model: StoredModel): model is StoredModel<ServerManifest> {
  return 'server' in model.manifest;
}

/** Why a model was rejected. */
export type ModelFault = { file: string; message: string };

/** Raised for a model folder that is not right. */
class BadModel extends Error {
  readonly fault: ModelFault;

  constructor(file: string, message: string, cause?: unknown) {
    super(`${file}: ${message}`, { cause });
    this.fault = { file, message };
  }
}

const manifestFile = 'manifest.json';
const manifestBytesMax = 1024 * 1024;

/** Reads `<name>/<version>/manifest.json` below a folder and checks every file; a bad model does not stop the others. */
export async function readRepository(root: string): Promise<{ models: StoredModel[]; faults: ModelFault[] }> {
  const models: StoredModel[] = [];
  const faults: ModelFault[] = [];
  for (const name of await folders(root)) {
    for (const version of await folders(join(root, name))) {
      try {
        models.push(await readModel(join(root, name, version), { name, version }));
      } catch (error) {
        if (!(error instanceof BadModel)) throw error;
        faults.push(error.fault);
      }
    }
  }
  return { models, faults };
}

/** What the edge is told of a model. */
export function describeModel({ id, digest, manifest, createdAtSeconds }: StoredModel): Model {
  const { family, title, description, licence, uses, defaults } = manifest;
  return { id, digest, family, title, description, licence, uses, defaults, createdAtSeconds };
}

/** Reads and checks the model in one folder; throws an Error with file and fault when it is not right. */
export async function readModel(folder: string, expected: { name: string; version: string }): Promise<StoredModel> {
  const path = join(folder, manifestFile);
  const { bytes, modifiedMs } = await readManifestBytes(path);
  const manifest = parseManifest(path, bytes);
  for (const field of ['name', 'version'] as const) {
    if (manifest[field] !== expected[field]) {
      throw new BadModel(path, `${field} is "${manifest[field]}", but the folder is called "${expected[field]}"`);
    }
  }
  requireListed(path, manifest);
  for (const [file, known] of Object.entries(manifest.files)) await checkFile(folder, file, known);
  requireListedData(folder, manifest);
  return {
    id: `${manifest.name}@${manifest.version}`,
    digest: digestOf(bytes),
    manifest,
    folder,
    createdAtSeconds: Math.floor(modifiedMs / 1000),
  };
}

async function readManifestBytes(path: string): Promise<{ bytes: Uint8Array; modifiedMs: number }> {
  try {
    const { real, modifiedMs, size } = await regularFile(path);
    if (size > manifestBytesMax)
      throw new BadModel(path, `has ${size} bytes, a manifest has at most ${manifestBytesMax}`);
    return { bytes: await readFile(real), modifiedMs };
  } catch (error) {
    if (error instanceof BadModel) throw error;
    throw new BadModel(path, `cannot be read (${causeText(error)})`, error);
  }
}

/** Finds a file of a model's folder before it is opened: a pipe would never end, and a link may lead anywhere. */
async function regularFile(path: string): Promise<{ real: string; modifiedMs: number; size: number }> {
  const real = await realpath(path);
  // A link may lead to another place in the model's own folder, nowhere else.
  if (!real.startsWith((await realpath(dirname(path))) + sep)) {
    throw new BadModel(path, 'leads out of its folder; put the file itself there');
  }
  const found = await stat(real);
  // defence: API10-9
  if (!found.isFile()) throw new BadModel(path, 'is no regular file');
  return { real, modifiedMs: found.mtimeMs, size: found.size };
}

function parseManifest(path: string, bytes: Uint8Array): ModelManifest {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new BadModel(path, `is not JSON (${causeText(error)})`, error);
  }
  const parsed = ModelManifest.safeParse(json);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => {
    // What is wrong with a name in a record is told one level down.
    const message = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
    return `${z.core.toDotPath(issue.path) || 'the whole'}: ${message}`;
  });
  throw new BadModel(path, faults.join('; '));
}

/** Every file that a manifest speaks of must be among those whose digests are checked. */
function requireListed(path: string, manifest: ModelManifest): void {
  if (!('graphs' in manifest)) return;
  const spoken = [
    ...graphFiles(manifest),
    ...Object.entries(manifest.golden?.inputs ?? {}).map(([name, file]) => [`golden.inputs.${name}`, file] as const),
    ...Object.entries(manifest.golden?.outputs ?? {}).map(([name, file]) => [`golden.outputs.${name}`, file] as const),
  ];
  for (const [field, file] of spoken) {
    if (!Object.hasOwn(manifest.files, file))
      throw new BadModel(path, `${field} names "${file}", which is not among files`);
  }
}

/** A graph may keep weights in other files, which the runtime opens by itself: those too must be listed. */
function requireListedData(folder: string, manifest: ModelManifest): void {
  if (!('graphs' in manifest)) return;
  for (const [field, file] of graphFiles(manifest)) {
    for (const external of externalTensorsOf(join(folder, file))) {
      if (Object.hasOwn(manifest.files, external.file)) continue;
      const where = `whose "${external.tensor}" lies in "${external.file}", which is not among files`;
      throw new BadModel(join(folder, manifestFile), `${field} names "${file}", ${where}`);
    }
  }
}

function graphFiles({ graphs }: GraphManifest): (readonly [field: string, file: string])[] {
  return Object.entries(graphs).flatMap(([name, { file, variants = [] }]) => [
    [`graphs.${name}.file`, file] as const,
    ...variants.map((variant, i) => [`graphs.${name}.variants[${i}].file`, variant.file] as const),
  ]);
}

function externalTensorsOf(path: string): ExternalTensor[] {
  try {
    return externalTensors(path);
  } catch (error) {
    throw new BadModel(path, `is no .onnx file (${causeText(error)})`, error);
  }
}

async function checkFile(folder: string, file: string, known: { sha256: string; bytes: number }): Promise<void> {
  const path = join(folder, file);
  try {
    const { real, size } = await regularFile(path);
    if (size !== known.bytes) throw new BadModel(path, `has ${size} bytes, the manifest says ${known.bytes}`);
    const digest = await fileDigest(real);
    if (digest !== known.sha256) throw new BadModel(path, `has sha256 ${digest}, the manifest says ${known.sha256}`);
  } catch (error) {
    if (error instanceof BadModel) throw error;
    throw new BadModel(path, `cannot be read (${causeText(error)})`, error);
  }
}

async function fileDigest(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

async function folders(root: string): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map((entry) => entry.name)
    .toSorted();
}
