import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Problem, problems } from '../../contract/problem.ts';

test('docs/api.md lists exactly the error codes that there are, each with its status', () => {
  const page = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8');
  const section = page.slice(page.indexOf('## Errors'));
  const documented = [...section.matchAll(/^\| (\d{3}) \| (.*) \|$/gm)].flatMap(([, status, codes]) =>
    [...(codes ?? '').matchAll(/`(\w+)`/g)].map(([, code]) => `${code} ${status}`),
  );
  const actual = Object.entries(problems).map(([code, { status }]) => `${code} ${status}`);
  expect(documented.toSorted()).toEqual(actual.toSorted());
});

test('a problem shows its message and parameter, never its cause', () => {
  const problem = new Problem('invalid_parameter', 'must be a number', { param: 'seed', cause: new Error('inner') });
  expect(problem.body()).toEqual({
    error: { message: 'must be a number', type: 'invalid_request_error', param: 'seed', code: 'invalid_parameter' },
  });
  expect(problem.status).toBe(400);
});
