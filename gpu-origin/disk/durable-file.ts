import { randomUUID } from 'node:crypto';
import { open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

const partialSuffix = '.partial';

/**
 * Writes a file that is there whole or not at all, whatever ends the process. It outlasts a power cut once
 * `syncFolder` has returned too, which may follow several writes. A source that throws leaves nothing behind.
 */
export async function writeWhole(path: string, source: string | Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
  const partial = `${path}.${randomUUID()}${partialSuffix}`;
  try {
    const handle = await open(partial, 'wx');
    try {
      await handle.writeFile(source);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** Makes the names in a file's folder outlast a power cut. */
export async function syncFolderOf(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Removes what a killed process left half written in a folder and gives the names of the whole files. */
export async function sweepPartials(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  const partials = names.filter((name) => name.endsWith(partialSuffix));
  for (const name of partials) await rm(join(folder, name), { force: true });
  return names.filter((name) => !name.endsWith(partialSuffix));
}

/** The same for one file, whose folder holds others too. */
export async function sweepPartialsOf(path: string): Promise<void> {
  const names = await readdir(dirname(path));
  const own = names.filter((name) => name.startsWith(`${basename(path)}.`) && name.endsWith(partialSuffix));
  for (const name of own) await rm(join(dirname(path), name), { force: true });
}
