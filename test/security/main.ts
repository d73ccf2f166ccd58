// `npm run test:security`: the attacks of docs/security.md, one line each. With `-- --without`, each defence is taken out
// of a copy of this tree in turn, and its test must fail.
import { execFile, execFileSync } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { attacks, type Attack } from './attacks.ts';

type Outcome = { attack: Attack; result: 'passed' | 'failed' | 'not run' };
type Report = { testResults: { assertionResults: { title: string; status: string }[]; name: string }[] };

const root = join(import.meta.dirname, '../..');
const runMsMax = 10 * 60_000;

const { values } = parseArgs({ options: { without: { type: 'boolean', default: false } } });
const wanted = values.without ? 'failed' : 'passed';
const outcomes = values.without ? await withoutDefences() : await run(root, attacks);
for (const { attack, result } of outcomes) {
  console.log(`${result === wanted ? 'ok ' : 'BAD'} ${attack.group.padEnd(5)} ${attack.attack}: ${result}`);
}
const bad = outcomes.filter(({ result }) => result !== wanted).length;
console.log(
  `${outcomes.length - bad} of ${outcomes.length} tests ${wanted}${values.without ? ' without their defence' : ''}`,
);
if (bad > 0) process.exitCode = 1;

async function withoutDefences(): Promise<Outcome[]> {
  const copy = await mkdtemp(join(tmpdir(), 'meshkiln-security-'));
  try {
    const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root });
    for (const file of files.toString().trim().split('\n')) await cp(join(root, file), join(copy, file));
    await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
    const found: Outcome[] = [];
    for (const attack of attacks) {
      const path = join(copy, attack.defence);
      const source = await readFile(path, 'utf8');
      await writeFile(
        path,
        source.replace(attack.without[0], () => attack.without[1]),
      );
      found.push(...(await run(copy, [attack])));
      await writeFile(path, source);
      console.log(`${found.length} of ${attacks.length}: ${found.at(-1)?.result}`);
    }
    return found;
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

/** Runs the tests of these attacks in one go; of a test with several cases each must pass. */
async function run(folder: string, chosen: readonly Attack[]): Promise<Outcome[]> {
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
