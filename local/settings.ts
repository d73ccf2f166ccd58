import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';

/** Where both programs listen and keep their state on this machine. */
export type LocalSettings = {
  edgePort: number;
  originPort: number;
  stateFolder: string;
  apiKey: string;
  adminKey: string;
  /** Shared by the edge and the local origin; this and the next are made once a state folder. */
  originSecret: string;
  /** Signs the expiring URLs of private meshes. */
  urlSecret: string;
};

export const localOriginId = 'local';

const Port = z.coerce.number().int().min(1).max(65_535);
const Environment = z.object({
  EDGE_PORT: Port.default(8787),
  ORIGIN_PORT: Port.default(8788),
  MESHKILN_STATE: z.string().min(1).default('.meshkiln'),
  MESHKILN_API_KEY: z.string().min(1).default('mk_local'),
});

/** Settings from the environment; makes the state folder and the secret on the first start. Throws what `readEnvironment` does. */
export function localSettings(overrides: Partial<LocalSettings> = {}): LocalSettings {
  const environment = readEnvironment();
  const stateFolder = resolve(overrides.stateFolder ?? environment.MESHKILN_STATE);
  mkdirSync(stateFolder, { recursive: true });
  return {
    edgePort: environment.EDGE_PORT,
    originPort: environment.ORIGIN_PORT,
    apiKey: environment.MESHKILN_API_KEY,
    adminKey: 'mk_local_admin',
    originSecret: keptSecret(join(stateFolder, 'origin-secret')),
    urlSecret: keptSecret(join(stateFolder, 'url-secret')),
    ...overrides,
    stateFolder,
  };
}

/** The environment's variables with their defaults; throws an Error that names the one that cannot be. */
function readEnvironment(): z.infer<typeof Environment> {
  const { success, data, error } = Environment.safeParse(process.env);
  if (success) return data;
  const [name = ''] = error.issues[0]?.path ?? [];
  throw new Error(`${String(name)} is "${process.env[String(name)]}": ${error.issues[0]?.message}`);
}

/** Base URL of the local edge. */
export function edgeUrl(settings: LocalSettings): string {
  return `http://127.0.0.1:${settings.edgePort}`;
}

/** Base URL of the local origin. */
export function originUrl(settings: LocalSettings): string {
  return `http://127.0.0.1:${settings.originPort}`;
}

function keptSecret(file: string): string {
  try {
    writeFileSync(file, randomBytes(32).toString('hex'), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return readFileSync(file, 'utf8');
}
