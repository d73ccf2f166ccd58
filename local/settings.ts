import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { defaultStateFolder, keys } from '../client/edge-access.ts';

/** Where both programs listen and keep their state on this machine. */
export type LocalSettings = {
  edgePort: number;
  originPort: number;
  stateFolder: string;
  /** The keys and secrets are made once a state folder, at random, unless the environment sets a key. */
  apiKey: string;
  adminKey: string;
  /** Shared by the edge and the local origin. */
  originSecret: string;
  /** Signs the expiring URLs of private meshes. */
  urlSecret: string;
  /** Scheme, host and port at which a proxy shows the edge to others, empty where none does. */
  publicUrl: string;
  /** Bearer token of both programs' `/metrics`, null where there is none. */
  metricsToken: string | null;
};

export const localOriginId = 'local';

const keyCharactersMin = 16;

/** A key that is set by hand: whoever guesses it has the house. */
const Key = z
  .string()
  .regex(/^[\x21-\x7e]*$/, 'must be visible ASCII characters')
  .min(keyCharactersMin, `must have at least ${keyCharactersMin} characters`);
const PublicUrl = z.string().transform((text, context) => {
  const url = URL.parse(text);
  if (text === '') return '';
  if (url !== null && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`) return url.origin;
  context.addIssue('must be an http or https URL with nothing after its host and port');
  return z.NEVER;
});
const Port = z.coerce.number().int().min(1).max(65_535);
const Environment = z.object({
  EDGE_PORT: Port.default(8787),
  ORIGIN_PORT: Port.default(8788),
  MESHKILN_STATE: z.string().min(1).default(defaultStateFolder),
  MESHKILN_API_KEY: Key.optional(),
  MESHKILN_ADMIN_KEY: Key.optional(),
  MESHKILN_PUBLIC_URL: PublicUrl.default(''),
  METRICS_TOKEN: z.string().min(1).optional(),
});

/**
 * Settings from the environment; makes the state folder, which is for its owner alone, and the secrets on the first
 * start. Throws what `readEnvironment` does.
 */
export function localSettings(overrides: Partial<LocalSettings> = {}): LocalSettings {
  const environment = readEnvironment();
  const stateFolder = resolve(overrides.stateFolder ?? environment.MESHKILN_STATE);
  makeFolders(stateFolder);
  return {
    edgePort: environment.EDGE_PORT,
    originPort: environment.ORIGIN_PORT,
    apiKey: environment.MESHKILN_API_KEY ?? keptSecret(join(stateFolder, keys.user.file), 'mk_'),
    adminKey: environment.MESHKILN_ADMIN_KEY ?? keptSecret(join(stateFolder, keys.admin.file), 'mk_'),
    publicUrl: environment.MESHKILN_PUBLIC_URL,
    metricsToken: environment.METRICS_TOKEN ?? null,
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
  const isSecret = /_KEY$|_TOKEN$/.test(String(name));
  throw new Error(
    `${String(name)} ${isSecret ? '' : `is "${process.env[String(name)]}": `}${error.issues[0]?.message}`,
  );
}

/** Base URL of the local edge. */
export function edgeUrl(settings: LocalSettings): string {
  return `http://127.0.0.1:${settings.edgePort}`;
}

/** Base URL of the local origin. */
export function originUrl(settings: LocalSettings): string {
  return `http://127.0.0.1:${settings.originPort}`;
}

/** Makes the folders for their owner alone; those of an earlier version may be open to others. */
function makeFolders(stateFolder: string): void {
  const edgeFolder = join(stateFolder, 'edge');
  const wasThere = existsSync(edgeFolder);
  mkdirSync(edgeFolder, { recursive: true, mode: 0o700 });
  if (!wasThere) return; // a folder that somebody else uses too is left as it is
  for (const folder of [stateFolder, edgeFolder]) chmodSync(folder, 0o700);
}

function keptSecret(file: string, prefix = ''): string {
  try {
    writeFileSync(file, prefix + /* defence: API2-3 */ randomBytes(32).toString('hex'), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return readFileSync(file, 'utf8');
}
