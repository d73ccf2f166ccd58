import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { commands } from '../../local/commands.ts';

test('npm run help lists what there is, and nothing else but benches and training is left out', () => {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const scripts = Object.keys((JSON.parse(text) as { scripts: Record<string, string> }).scripts);
  expect(Object.keys(commands).filter((name) => !scripts.includes(name))).toEqual([]);
  const unlisted = scripts.filter((name) => !(name in commands));
  expect(unlisted.filter((name) => !/^(bench|train|evaluate|validate)/.test(name))).toEqual([]);
});
