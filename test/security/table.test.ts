import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { attacks, groupOf, groups } from './attacks.ts';
import { defencesIn, markedDefences, withoutDefence } from './defences.ts';
import { attackTable } from './table.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

test('docs/security.md has exactly the table of attacks', () => {
  const page = read('docs/security.md');
  expect(page.slice(page.indexOf('### API1:')).trim()).toBe(attackTable());
});

test('no two attacks show the same thing, and every group has one', () => {
  expect(new Set(attacks.map(({ test: shown }) => shown.join()))).toHaveLength(attacks.length);
  expect(new Set(attacks.map(groupOf))).toEqual(new Set(Object.keys(groups)));
});

test('the sources mark each defence of the table once, and no other', () => {
  const marked = markedDefences(root).map(({ id }) => id);
  expect(marked.toSorted()).toEqual(attacks.map(({ id }) => id).toSorted());
});

test('the test of every attack has the name that the table gives', () => {
  for (const { attack, test: shown } of attacks) expect(read(shown[0]), attack).toContain(shown[1]);
});

test('a defence is the longest piece of syntax after its comment', () => {
  const source = 'if (a || /* defence: API1-1 */ (b && c) === d) return;\n// defence: API1-2\nawait check(e);\nf();\n';
  const taken = (id: string, instead: string) => {
    const defence = defencesIn('a.ts', source).find((one) => one.id === id);
    return defence === undefined ? null : withoutDefence(source, defence, instead);
  };
  expect(taken('API1-1', 'not($&)')).toContain('if (a || /* defence: API1-1 */ not((b && c) === d)) return;');
  expect(taken('API1-2', '')).toContain('// defence: API1-2\n\nf();');
  expect(() => defencesIn('a.ts', 'f();\n// defence: API1-1\n')).toThrow('nothing begins after');
});
