import { expect, test } from 'vitest';
import { edge, run as runCommand } from './operator-command.ts';

function run(url: string, ...args: string[]) {
  return runCommand('index-command.ts', { url, args });
}

function page(of: string, counts: { same?: number; missing?: number; stale?: number }, next: unknown) {
  return { body: { of, same: 0, missing: 0, stale: 0, damaged: [], ...counts, next } };
}

const halfway = { of: 'meshes', after: 'abc' };

test('it asks for page after page and says what each did', async () => {
  const { asked, url } = await edge(
    page('meshes', { same: 200, missing: 3 }, halfway),
    page('meshes', { same: 7, stale: 1 }, { of: 'tags', after: null }),
    page('tags', {}, null),
  );
  const { code, stdout } = await run(url, 'rebuild');
  expect(code).toBe(0);
  expect(asked).toEqual(
    [{ of: 'meshes', after: null }, halfway, { of: 'tags', after: null }].map((after) => ({
      call: 'POST /admin/index/rebuild',
      authorization: 'Bearer mk_operator',
      body: { after },
    })),
  );
  expect(stdout.split('\n')).toEqual([
    'meshes: 200 equal, 3 written, 0 removed; next meshes:abc',
    'meshes: 7 equal, 0 written, 1 removed; next tags:',
    'tags: 0 equal, 0 written, 0 removed; next the end',
    '4 differences found.',
    '',
  ]);
});

test('a check that finds a difference fails, one that finds none does not', async () => {
  const wrong = await edge(page('meshes', { missing: 1 }, null));
  expect((await run(wrong.url, 'check')).code).toBe(1);
  const right = await edge(page('meshes', { same: 1 }, null));
  expect(await run(right.url, 'check')).toMatchObject({ code: 0, stdout: expect.stringContaining('equals R2') });
});

test('what breaks off says where to go on, and goes on there', async () => {
  const broken = await edge(page('meshes', {}, halfway), { status: 500, body: { error: { code: 'internal_error' } } });
  const { code, stderr } = await run(broken.url, 'rebuild');
  expect(code).toBe(1);
  expect(stderr).toContain('Go on with: npm run index -- rebuild --after meshes:abc');
  const mended = await edge(page('meshes', {}, null));
  expect((await run(mended.url, 'rebuild', '--after', 'meshes:abc')).code).toBe(0);
  expect(mended.asked).toMatchObject([{ body: { after: halfway } }]);
});

test.each([[['remake']], [[]], [['check', '--after', 'blobs:abc']]])('%j is answered with the usage', async (args) => {
  expect(await run('http://127.0.0.1:9', ...args)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('Usage:'),
  });
});
