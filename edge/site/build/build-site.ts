import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { siteConfig } from './config.ts';

const root = join(import.meta.dirname, '../../..');
const siteFolder = join(root, 'dist/site'); // as wrangler.toml has it
const sourcesFile = join(root, 'dist/site-sources.sha256');

/** What the pages are made of; the lock stands for the packages. */
const sources = ['edge/site', 'contract', 'package-lock.json'];

/**
 * Builds the pages into the folder that the Worker serves them from, unless that was made of these very sources. Safe
 * to call from several processes at once: each builds aside, and the last to finish puts its folder in place.
 */
export async function buildSite(): Promise<void> {
  const digest = await digestOfSources();
  if (existsSync(siteFolder) && (await digestOfBuilt()) === digest) return;
  const { build } = await import('vite'); // a third of a second, for a call that mostly has nothing to do
  const aside = `${siteFolder}.${process.pid}`;
  await build(siteConfig(aside));
  await rm(siteFolder, { recursive: true, force: true });
  try {
    await rename(aside, siteFolder);
  } catch (error) {
    // Another process was faster between these two lines, with the same sources.
    if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
    await rm(aside, { recursive: true });
  }
  await writeFile(sourcesFile, digest);
}

async function digestOfSources(): Promise<string> {
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

async function digestOfBuilt(): Promise<string | null> {
  return readFile(sourcesFile, 'utf8').catch(() => null);
}
