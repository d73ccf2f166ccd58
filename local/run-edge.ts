import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { unstable_startWorker as startWorker } from 'wrangler';
import { buildSite } from '../edge/site/build/build-site.ts';
import { localOriginId, originUrl, type LocalSettings } from './settings.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const secret = (value: string) => ({ type: 'secret_text' as const, value });

const localKey = { tenant: 'local', loopbackOnly: true, unlimited: true };

/** What Wrangler takes from the environment alone. */
export const wranglerSettings = {
  /** A placeholder of where the client is will do, and works offline. */
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  /** Every call of a miss would be traced into a database of Wrangler's own: a quarter of what a miss costs here. */
  X_LOCAL_OBSERVABILITY: 'false',
  /** The page that shows it, and all that is in R2 and KV, to whoever reaches the port. */
  X_LOCAL_EXPLORER: 'false',
};

type EdgeOptions = {
  /** Where workerd's inspector is to listen; it is shut unless a port is given. */
  inspectorPort?: number | null;
  /** What the secret `ORIGINS` says; the one origin of the settings unless others are given. */
  origins?: readonly { id: string; url: string; secrets: readonly string[] }[];
};

/**
 * Runs the Worker in workerd with its KV, R2 and objects kept in the state folder: what `wrangler deploy` would ship.
 * `outside` is its way to servers that clients name.
 */
export async function runEdge(
  settings: LocalSettings,
  outside: (request: Request) => Promise<Response>,
  { inspectorPort = null, origins = [localOrigin(settings)] }: EdgeOptions = {},
) {
  Object.assign(process.env, wranglerSettings);

  await buildSite();
  const worker = await startWorker({
    config: join(import.meta.dirname, '../wrangler.toml'),
    bindings: {
      OUTSIDE: { type: 'fetcher' as const, fetcher: outside },
      URL_SECRET: secret(settings.urlSecret),
      ORIGINS: secret(JSON.stringify(origins)),
      API_KEYS: secret(
        JSON.stringify([
          { ...localKey, sha256: sha256(settings.apiKey), scopes: ['meshes'] },
          { ...localKey, sha256: sha256(settings.adminKey), scopes: ['meshes', 'admin'] },
        ]),
      ),
      // So that the playground needs no key on the machine that it runs on.
      ANONYMOUS_TIER: { type: 'plain_text' as const, value: 'loopback' },
    },
    dev: {
      remote: false,
      watch: false,
      inspector: inspectorPort === null ? false : { port: inspectorPort },
      logLevel: 'warn',
      persist: join(settings.stateFolder, 'edge'),
      server: { hostname: '127.0.0.1', port: settings.edgePort },
    },
  });
  await worker.ready;
  return worker;
}

function localOrigin(settings: LocalSettings) {
  return { id: localOriginId, url: originUrl(settings), secrets: [settings.originSecret] };
}
