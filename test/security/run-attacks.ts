import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Attack } from './attacks.ts';

const root = join(import.meta.dirname, '../..');
const runMsMax = 10 * 60_000;

/** An attack with what its test said; `why` is what kept it from being run, or from passing. */
export type Outcome = { attack: Attack; result: 'passed' | 'failed' | 'not run'; why?: string };
type Report = {
  testResults: {
    assertionResults: { title: string; status: string; failureMessages?: string[] }[];
    name: string;
    message?: string;
  }[];
};

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
    const ofFile = testResults.filter(({ name }) => name.endsWith(attack.test[0]));
    const cases = ofFile
      .flatMap(({ assertionResults }) => assertionResults)
      .filter(
        ({ title, status }) => new RegExp(`^${patternOf(attack.test[1])}$`, 's').test(title) && status !== 'skipped',
      );
    if (cases.length === 0) return { attack, result: 'not run', why: whyNotRun(ofFile) };
    const failed = cases.filter(({ status }) => status !== 'passed');
    if (failed.length === 0) return { attack, result: 'passed' };
    return { attack, result: 'failed', why: firstLines(failed.flatMap(({ failureMessages = [] }) => failureMessages)) };
  });
}

/** What the files of a test say of why it was not run, such as a `beforeAll` that took too long. */
function whyNotRun(ofFile: Report['testResults']): string {
  const messages = ofFile.flatMap(({ message = '' }) => (message === '' ? [] : [message]));
  if (messages.length > 0) return firstLines(messages);
  return ofFile.length === 0 ? 'its file gave no report' : 'its file has no test of this name';
}

function firstLines(messages: readonly string[]): string {
  return messages.map((message) => message.split('\n')[0]).join('; ');
}

/** A test's name as a regular expression; the places of a case's values match anything. */
function patternOf(name: string): string {
  return name.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll(/%[sj]/g, '.*');
}
