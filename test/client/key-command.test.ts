import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { localSettings, type LocalSettings } from '../../local/settings.ts';

let settings: LocalSettings;
beforeAll(async () => {
  settings = localSettings({ stateFolder: await mkdtemp(join(tmpdir(), 'meshkiln-key-')) });
});
afterAll(() => rm(settings.stateFolder, { recursive: true }));

type Ended = { code: number; stdout: string; stderr: string };

/** `npm run key` in an environment without keys, for the state folder of these tests unless told otherwise. */
function key(args: readonly string[], environment: Record<string, string | undefined> = {}): Promise<Ended> {
  const none = { MESHKILN_API_KEY: undefined, MESHKILN_ADMIN_KEY: undefined, MESHKILN_URL: undefined };
  const env = { ...process.env, ...none, MESHKILN_STATE: settings.stateFolder, ...environment };
  const command = join(import.meta.dirname, '../../client/key-command.ts');
  return new Promise((resolve) => {
    execFile(process.execPath, [command, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

test('the key of a state folder is printed alone, as are the admin key and the link', async () => {
  expect(await key([])).toEqual({ code: 0, stdout: `${settings.apiKey}\n`, stderr: '' });
  expect((await key(['--admin'])).stdout).toBe(`${settings.adminKey}\n`);
  expect((await key(['--link'])).stdout).toBe(`http://127.0.0.1:8787/#key=${settings.adminKey}\n`);
  expect((await key(['--help'])).stdout).toContain('Usage: npm run -s key');
});

test('a key that is set by hand comes first', async () => {
  expect((await key([], { MESHKILN_API_KEY: 'mk_of_my_own_choice' })).stdout).toBe('mk_of_my_own_choice\n');
});

test.each(['https://edge.example', 'http://127.0.0.1.example', 'http://10.0.0.1:8787'])(
  'the key of this machine is not told to %s',
  async (url) => {
    const { code, stdout, stderr } = await key([], { MESHKILN_URL: url });
    expect([code, stdout, stderr]).toEqual([1, '', `MESHKILN_API_KEY is not set: it is the key to send to ${url}\n`]);
  },
);

test('slashes and a /v1 too many in MESHKILN_URL are met', async () => {
  for (const url of ['http://127.0.0.1:8787//', 'http://127.0.0.1:8787/v1', 'http://127.0.0.1:8787//v1/']) {
    expect((await key(['--link'], { MESHKILN_URL: url })).stdout).toBe(
      `http://127.0.0.1:8787/#key=${settings.adminKey}\n`,
    );
  }
});

test('a folder without a key says what makes one', async () => {
  const { code, stderr } = await key([], { MESHKILN_STATE: join(settings.stateFolder, 'nothing') });
  expect([code, stderr]).toEqual([1, expect.stringContaining('npm start makes one')]);
});
