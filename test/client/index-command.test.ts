import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';

const command = fileURLToPath(new URL('../../client/index-command.ts', import.meta.url));
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

type Asked = { path: string | undefined; key: string | undefined; body: unknown };

/** An edge that answers page after page with these, and what it was asked. */
async function edge(answers: readonly { status: number; body: unknown }[]) {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    asked.push({ path: request.url, key: request.headers.authorization, body: JSON.parse(text) });
    const answer = answers[asked.length - 1];
    response.writeHead(answer?.status ?? 500, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer?.body ?? {}));
  });
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function run(args: readonly string[], url: string): Promise<{ code: unknown; output: string }> {
  const env = { ...process.env, MESHKILN_URL: url, MESHKILN_ADMIN_KEY: 'mk_operator' };
  const child = spawn(process.execPath, [command, ...args], { env });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += String(text)));
  const [code] = (await once(child, 'close')) as unknown[];
  return { code, output };
}

function page(of: string, counts: { same?: number; missing?: number; stale?: number }, next: unknown) {
  return { status: 200, body: { of, same: 0, missing: 0, stale: 0, damaged: [], ...counts, next } };
}

const halfway = { of: 'meshes', after: 'abc' };

test('it asks for page after page and says what each did', async () => {
  const { asked, url } = await edge([
    page('meshes', { same: 200, missing: 3 }, halfway),
    page('meshes', { same: 7, stale: 1 }, { of: 'tags', after: null }),
    page('tags', {}, null),
  ]);
  const { code, output } = await run(['rebuild'], url);
  expect(code).toBe(0);
  expect(asked).toEqual(
    [{ of: 'meshes', after: null }, halfway, { of: 'tags', after: null }].map((after) => ({
      path: '/admin/index/rebuild',
      key: 'Bearer mk_operator',
      body: { after },
    })),
  );
  expect(output.split('\n')).toEqual([
    'meshes: 200 equal, 3 written, 0 removed; next meshes:abc',
    'meshes: 7 equal, 0 written, 1 removed; next tags:',
    'tags: 0 equal, 0 written, 0 removed; next the end',
    '4 differences found.',
    '',
  ]);
});

test('a check that finds a difference fails, one that finds none does not', async () => {
  const wrong = await edge([page('meshes', { missing: 1 }, null)]);
  expect((await run(['check'], wrong.url)).code).toBe(1);
  const right = await edge([page('meshes', { same: 1 }, null)]);
  expect(await run(['check'], right.url)).toMatchObject({ code: 0, output: expect.stringContaining('equals R2') });
});

test('what breaks off says where to go on, and goes on there', async () => {
  const broken = await edge([
    page('meshes', {}, halfway),
    { status: 500, body: { error: { code: 'internal_error' } } },
  ]);
  const { code, output } = await run(['rebuild'], broken.url);
  expect(code).toBe(1);
  expect(output).toContain('Go on with: npm run index -- rebuild --after meshes:abc');
  const mended = await edge([page('meshes', {}, null)]);
  expect((await run(['rebuild', '--after', 'meshes:abc'], mended.url)).code).toBe(0);
  expect(mended.asked).toMatchObject([{ body: { after: halfway } }]);
});

test.each([[['remake']], [[]], [['check', '--after', 'blobs:abc']]])('%j is answered with the usage', async (args) => {
  expect(await run(args, 'http://127.0.0.1:9')).toMatchObject({ code: 2, output: expect.stringContaining('Usage:') });
});
