import { randomUUID } from 'node:crypto';
import { cp, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { causeText } from '../log.ts';
import { ModelIdentity } from '../families/manifest.ts';
import { readModel, type StoredModel } from '../models/repository.ts';

/**
 * Copies a model's folder into the repository, under the name and version that its manifest says, after it was checked
 * there file by file. Throws when the model is not right or that version is there already: a version never changes.
 */
export async function addModel(root: string, source: string): Promise<StoredModel> {
  const { name, version } = await readName(join(source, 'manifest.json'));
  const target = join(root, name, version);
  if (await exists(target)) throw new Error(`${target} is there already; give the model a new version`);
  // Beside its place, where a rename is one step, under a name that the repository passes over.
  const incoming = join(root, name, `.${version}-${randomUUID()}`);
  try {
    await mkdir(join(root, name), { recursive: true });
    await cp(source, incoming, { recursive: true, dereference: true });
    const model = await readModel(incoming, { name, version });
    await rename(incoming, target);
    return { ...model, folder: target };
  } catch (error) {
    await rm(incoming, { recursive: true, force: true });
    throw error;
  }
}

async function readName(path: string): Promise<ModelIdentity> {
  try {
    return ModelIdentity.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    throw new Error(`${path} gives no name and version (${causeText(error)})`, { cause: error });
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
