import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { localSettings } from '../../local/settings.ts';

const folders: string[] = [];

afterEach(async () => {
  vi.unstubAllEnvs();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'meshkiln-settings-'));
  folders.push(folder);
  return join(folder, 'state');
}

test('the keys of two state folders differ, and nobody else can read them', async () => {
  const stateFolder = await newFolder();
  const one = localSettings({ stateFolder });
  const other = localSettings({ stateFolder: await newFolder() });
  const secretsOf = ({ apiKey, adminKey, originSecret, urlSecret }: typeof one) => [
    apiKey,
    adminKey,
    originSecret,
    urlSecret,
  ];
  expect(new Set([...secretsOf(one), ...secretsOf(other)]).size).toBe(8);
  expect(secretsOf(localSettings({ stateFolder }))).toEqual(secretsOf(one));
  for (const [name, mode] of [
    ['.', 0o700],
    ['edge', 0o700],
    ['api-key', 0o600],
    ['admin-key', 0o600],
    ['origin-secret', 0o600],
    ['url-secret', 0o600],
  ] as const) {
    expect((await stat(join(stateFolder, name))).mode & 0o777, name).toBe(mode);
  }
});

test('keys that are set by hand are used as they are, and have 16 characters', async () => {
  vi.stubEnv('MESHKILN_API_KEY', 'mk_of_my_own_choice');
  vi.stubEnv('MESHKILN_ADMIN_KEY', 'mk_of_an_operator');
  const stateFolder = await newFolder();
  expect(localSettings({ stateFolder })).toMatchObject({
    apiKey: 'mk_of_my_own_choice',
    adminKey: 'mk_of_an_operator',
  });
  vi.stubEnv('MESHKILN_ADMIN_KEY', 'mk_local_admin');
  expect(() => localSettings({ stateFolder })).toThrow(/^MESHKILN_ADMIN_KEY must have at least 16 characters$/);
});

test.each([
  ['https://meshes.example/', 'https://meshes.example'],
  ['https://meshes.example:8443', 'https://meshes.example:8443'],
  ['', ''],
])('MESHKILN_PUBLIC_URL %s is taken', async (given, publicUrl) => {
  vi.stubEnv('MESHKILN_PUBLIC_URL', given);
  expect(localSettings({ stateFolder: await newFolder() })).toMatchObject({ publicUrl });
});

test.each(['meshes.example', 'ftp://meshes.example', 'https://meshes.example/path'])(
  'MESHKILN_PUBLIC_URL %s is refused by name',
  async (given) => {
    vi.stubEnv('MESHKILN_PUBLIC_URL', given);
    const stateFolder = await newFolder();
    expect(() => localSettings({ stateFolder })).toThrow('MESHKILN_PUBLIC_URL is');
  },
);
