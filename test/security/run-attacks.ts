import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Attack } from './attacks.ts';

const root = join(import.meta.dirname, '../..');
const runMsMax = 10 * 60_000;

/** An attack with what its test said. */
export type Outcome = { attack: Attack; result: 'passed' | 'failed' | 'not run' };
type Report = { testResults: { assertionResults: { title: string; status: string }[]; name: string }[] };

/** Runs the tests of these attacks in one go; of a test with several cases each must pass. */
export async function runAttacks(folder: string, chosen: readonly Attack[]): Promise<Outcome[]> {
  const output = join(await mkdtemp(join(tmpdir(), 'meshkiln-report-')), 'report.json');
  const files = [...new Set(chosen.map(({ test: [file] }) => file))];
  const names = chosen.map(({ test: [, name] }) => patternOf(name)).join('|');
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const args = [vitest, 'run', '--reporter=json', `--outputFile=${output}`, '-t', names, ...files];
  await new Promise<void>((resolve) => {
    execFile(process.execPath, args, { cwd: folder, timeout: runMsMax, maxBuffer: 2 ** 28 }, () => resolve());
  });
  // No report means that the files could not even be loaded.
  const text = await readFile(output, 'utf8').catch(() => '{"testResults":[]}');
  await rm(join(output, '..'), { recursive: true });
  const { testResults } = JSON.parse(text) as Report;
  return chosen.map((attack) => {
    const cases = testResults
      .filter(({ name }) => name.endsWith(attack.test[0]))
      .flatMap(({ assertionResults }) => assertionResults)
      .filter(
        ({ title, status }) => new RegExp(`^${patternOf(attack.test[1])}$`, 's').test(title) && status !== 'skipped',
      );
    const passed = cases.every(({ status }) => status === 'passed');
    return { attack, result: cases.length === 0 ? 'not run' : passed ? 'passed' : 'failed' };
  });
}

/** A test's name as a regular expression; the places of a case's values match anything. */
function patternOf(name: string): string {
  return name.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll(/%[sj]/g, '.*');
}
