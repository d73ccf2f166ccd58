import { join, resolve } from 'node:path';

const root = join(import.meta.dirname, '..');

/** A path as its reader meant it: npm runs every command in the repository and says in INIT_CWD where the person stands. */
export function pathFromHere(path: string): string {
  const stands = process.cwd() === root ? process.env.INIT_CWD : undefined;
  return resolve(stands ?? process.cwd(), path);
}
