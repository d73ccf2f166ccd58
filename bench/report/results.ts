import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { resultsFolder } from '../harness/result.ts';

/** The pages that show recorded results. */
export const pageFiles = [join(import.meta.dirname, '../../docs/performance.md'), join(resultsFolder, 'README.md')];

/** A recorded result, null for one that was not recorded yet. */
export function resultOf(name: string): unknown {
  const file = join(resultsFolder, `${name}.json`);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null;
}
