import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const startFile = join(import.meta.dirname, '../../local/start.ts');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshkiln-start-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** `npm start` to its end, with what it said of itself. */
function start(environment: Record<string, string>): Promise<{ code: number; stderr: string }> {
  const env = { ...process.env, MESHKILN_STATE: folder, ...environment };
  return new Promise((resolve) => {
    execFile(process.execPath, [startFile], { env }, (error, _, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stderr }),
    );
  });
}

test('a port that is in use is named, with the variable that sets it', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  expect(await start({ EDGE_PORT: String(port) })).toEqual({
    code: 1,
    stderr: `port ${port} is in use: end what listens there, or set EDGE_PORT\n`,
  });
  await new Promise((resolve) => other.close(resolve));
});

test.each([
  [{ EDGE_PORT: 'abc' }, /^EDGE_PORT is "abc": /],
  [{ EDGE_PORT: '8790', ORIGIN_PORT: '8790' }, /^EDGE_PORT and ORIGIN_PORT are both 8790\n$/],
])('settings that cannot be are named: %j', async (environment, message) => {
  expect(await start(environment)).toEqual({ code: 1, stderr: expect.stringMatching(message) as string });
});
