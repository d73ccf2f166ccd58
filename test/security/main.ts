// `npm run test:security`: the attacks of docs/security.md, one line each. With `-- --without`, each defence is taken out
// of a copy of this tree in turn, and its test must fail. `-- API1-3 API4-1` runs these alone.
import { execFileSync } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { attacks } from './attacks.ts';
import { markedDefences, withoutDefence } from './defences.ts';
import { runAttacks, type Outcome } from './run-attacks.ts';

const root = join(import.meta.dirname, '../..');

const { values, positionals } = parseArgs({
  options: { without: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const chosen = positionals.length === 0 ? attacks : attacks.filter(({ id }) => positionals.includes(id));
const wanted = values.without ? 'failed' : 'passed';
const outcomes = values.without ? await withoutDefences() : await runAttacks(root, chosen);
for (const { attack, result, why } of outcomes) {
  const because = why === undefined ? '' : ` (${why})`;
  console.log(`${result === wanted ? 'ok ' : 'BAD'} ${attack.id.padEnd(8)} ${attack.attack}: ${result}${because}`);
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
    const defences = new Map(markedDefences(copy).map((defence) => [defence.id, defence]));
    for (const attack of chosen) {
      const defence = defences.get(attack.id);
      if (defence === undefined) throw new Error(`no comment in the sources marks the defence ${attack.id}`);
      const path = join(copy, defence.file);
      const source = await readFile(path, 'utf8');
      await writeFile(path, withoutDefence(source, defence, attack.instead ?? ''));
      found.push(...(await runAttacks(copy, [attack])));
      await writeFile(path, source);
      console.log(`${found.length} of ${chosen.length}: ${found.at(-1)?.result}`);
    }
    return found;
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}
