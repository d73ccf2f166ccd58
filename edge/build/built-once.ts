import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';

/** The repository's own folder; outputs and sources are named from here. */
export const root = join(import.meta.dirname, '../..');

export type Build = {
  /** Folder that is made, and beside which the digest of its sources is kept. */
  output: string;
  /** Files and folders that it is made of; the lock stands for the packages. */
  sources: readonly string[];
  build: (folder: string) => Promise<unknown>;
};

/**
 * Builds a folder unless it was made of these very sources; gives its path. Safe to call from several processes at once:
 * each builds aside, and the last to finish puts its folder in place.
 */
export async function builtOnce({ output, sources, build }: Build): Promise<string> {
  const folder = join(root, output);
  const digestFile = `${folder}-sources.sha256`;
  const digest = await digestOf(sources);
  if (existsSync(folder) && (await readFile(digestFile, 'utf8').catch(() => null)) === digest) return folder;
  const aside = `${folder}.${process.pid}`;
  await build(aside);
  await rm(folder, { recursive: true, force: true });
  try {
    await rename(aside, folder);
  } catch (error) {
    // Another process was faster between these two lines, with the same sources.
    if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
    await rm(aside, { recursive: true });
  }
  await writeFile(digestFile, digest);
  return folder;
}

async function digestOf(sources: readonly string[]): Promise<string> {
  const files = (await Promise.all(sources.map((source) => filesIn(join(root, source))))).flat().toSorted();
  const digest = createHash('sha256');
  for (const file of files) {
    const bytes = await readFile(file);
    digest.update(`${relative(root, file).replaceAll(sep, '/')} ${bytes.length}\n`).update(bytes);
  }
  return digest.digest('hex');
}

async function filesIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch((error) => {
    if (error.code === 'ENOTDIR') return null;
    throw error;
  });
  if (entries === null) return [path];
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
