import { expect, test } from 'vitest';

/** The names of tests in a source: a string after `test(` or after `rule:`. */
function testNames(source: string): string[] {
  return [...source.matchAll(/(?:test\(|rule:)\s*(['"])(.*?)\1,/g)].flatMap(([, , name]) => name ?? []);
}

async function sources() {
  const [rules, ...tests] = await Promise.all([
    import('../../docs/http-rules.md?raw'),
    import('./conditional-requests.test.ts?raw'),
    import('./ranges.test.ts?raw'),
    import('./assets.test.ts?raw'),
    import('./negotiation.test.ts?raw'),
  ]);
  const [conditionalRequests = [], ranges = [], ...others] = tests.map((source) => testNames(source.default));
  return { rules: rules.default, conditionalRequests, ranges, others: others.flat() };
}

test('every rule of docs/http-rules.md names a test that exists', async () => {
  const { rules, conditionalRequests, ranges, others } = await sources();
  const known = new Set([...conditionalRequests, ...ranges, ...others]);
  const rows = rules.split('\n').filter((line) => line.startsWith('| ') && !/^\| (source|---)/.test(line));
  const named = rows.map((row) => row.split(' | ').at(-1)?.replace(/ \|$/, '') ?? '');
  expect(named.length).toBeGreaterThan(70);
  expect(named.filter((name) => !known.has(name))).toEqual([]);
});

test('every rule about ranges and preconditions that is tested stands in docs/http-rules.md', async () => {
  const { rules, conditionalRequests, ranges } = await sources();
  expect([...conditionalRequests, ...ranges].filter((name) => !rules.includes(`| ${name} |`))).toEqual([]);
});
