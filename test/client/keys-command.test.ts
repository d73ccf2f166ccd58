import { expect, test } from 'vitest';
import { edge, run as runCommand } from './operator-command.ts';

function run(url: string, ...args: string[]) {
  return runCommand('keys-command.ts', { url, args });
}

const key = {
  id: 'key_1',
  status: 'active',
  tenant: 'acme',
  label: 'ci',
  scopes: ['meshes'],
  expires_at: 1_800_000_000,
};

test('create sends the terms and prints the key alone to standard output', async () => {
  const { asked, url } = await edge({ status: 201, body: { ...key, key: 'mk_secret' } });
  const limits = ['--gpu-ms-per-day', '9000', '--concurrent', '2'];
  const { code, stdout, stderr } = await run(
    url,
    'create',
    'acme',
    '--label',
    'ci',
    '--expires',
    '90d',
    '--private',
    ...limits,
  );
  expect([code, stdout]).toEqual([0, 'mk_secret\n']);
  expect(stderr).toBe('key_1  active   acme  meshes  ends 2027-01-15T08:00:00.000Z  ci\n');
  expect(asked).toEqual([
    {
      call: 'POST /admin/keys',
      authorization: 'Bearer mk_operator',
      body: {
        tenant: 'acme',
        label: 'ci',
        default_scope: 'private',
        expires_in_seconds: 90 * 86_400,
        gpu_ms_per_day: 9000,
        concurrent_misses: 2,
      },
    },
  ]);
});

test('list goes through all pages', async () => {
  const { asked, url } = await edge(
    { body: { data: [key], last_id: 'key_1', has_more: true } },
    {
      body: { data: [{ ...key, id: 'key_2', status: 'revoked', expires_at: null }], last_id: 'key_2', has_more: false },
    },
  );
  const { code, stdout } = await run(url, 'list', 'acme');
  expect([code, stdout.split('\n')[1]]).toEqual([0, 'key_2  revoked  acme  meshes  no end  ci']);
  expect(asked.map(({ call }) => call)).toEqual([
    'GET /admin/keys?limit=100&tenant=acme',
    'GET /admin/keys?limit=100&tenant=acme&after=key_1',
  ]);
});

test('rotate and revoke name the key; what the edge refuses is told', async () => {
  const rotated = await edge({ status: 201, body: { ...key, key: 'mk_next' } });
  expect(await run(rotated.url, 'rotate', 'key_1', '--overlap', '2h')).toMatchObject({ code: 0, stdout: 'mk_next\n' });
  expect(rotated.asked).toMatchObject([{ call: 'POST /admin/keys/key_1/rotate', body: { overlap_seconds: 7200 } }]);
  const revoked = await edge(
    { body: {} },
    { status: 404, body: { error: { code: 'key_not_found', message: 'No such key.' } } },
  );
  expect(await run(revoked.url, 'revoke', 'key_1')).toMatchObject({ code: 0, stdout: 'key_1 is revoked.\n' });
  expect(await run(revoked.url, 'revoke', 'key_2')).toMatchObject({
    code: 1,
    stderr: 'The edge answered 404: No such key. (key_not_found)\n',
  });
});

test.each([
  [[]],
  [['create']],
  [['remake', 'a']],
  [['create', 'a', '--expires', 'soon']],
  [['revoke', 'a', 'b']],
  [['list', '--x']],
])('%j is answered with the usage', async (args) => {
  expect(await run('http://127.0.0.1:9', ...args)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('Usage:'),
  });
});
