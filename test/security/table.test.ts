import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { attacks, groups } from './attacks.ts';
import { attackTable } from './table.ts';

const read = (path: string) => readFileSync(join(import.meta.dirname, '../..', path), 'utf8');

test('docs/security.md has exactly the table of attacks', () => {
  const page = read('docs/security.md');
  expect(page.slice(page.indexOf('### API1:')).trim()).toBe(attackTable());
});

test('no two attacks show the same thing, and every group has one', () => {
  expect(new Set(attacks.map(({ test: shown }) => shown.join()))).toHaveLength(attacks.length);
  expect(new Set(attacks.map(({ defence, without }) => defence + without[0]))).toHaveLength(attacks.length);
  expect(new Set(attacks.map(({ group }) => group))).toEqual(new Set(Object.keys(groups)));
});

test('every defence stands where the table says, and every test has the name that it gives', () => {
  for (const { attack, defence, without, test: shown } of attacks) {
    expect(read(defence).split(without[0]).length - 1, attack).toBe(1);
    expect(read(shown[0]), attack).toContain(shown[1]);
  }
});
