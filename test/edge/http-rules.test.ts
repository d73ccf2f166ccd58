import { expect, test } from 'vitest';
import rules from '../../docs/http-rules.md?raw';
import assets from './assets.test.ts?raw';
import conditionalRequests from './conditional-requests.test.ts?raw';
import negotiation from './negotiation.test.ts?raw';
import ranges from './ranges.test.ts?raw';

/** The names of tests in a source: a string after `test(` or after `rule:`. */
function testNames(source: string): string[] {
  return [...source.matchAll(/(?:test\(|rule:)\s*(['"])(.*?)\1,/g)].flatMap(([, , name]) => name ?? []);
}

test('every rule of docs/http-rules.md names a test that exists', () => {
  const known = new Set([assets, conditionalRequests, negotiation, ranges].flatMap(testNames));
  const rows = rules.split('\n').filter((line) => line.startsWith('| ') && !/^\| (source|---)/.test(line));
  const named = rows.map((row) => row.split(' | ').at(-1)?.replace(/ \|$/, '') ?? '');
  expect(named.length).toBeGreaterThan(70);
  expect(named.filter((name) => !known.has(name))).toEqual([]);
});

test('every rule about ranges and preconditions that is tested stands in docs/http-rules.md', () => {
  const tested = [conditionalRequests, ranges].flatMap(testNames);
  expect(tested.filter((name) => !rules.includes(`| ${name} |`))).toEqual([]);
});
