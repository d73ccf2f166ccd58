import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { convertV4MiniflareOptions, Miniflare, type V4WorkerOptions } from 'miniflare';
import { unstable_startWorker as startWorker } from 'wrangler';
import { bareWorker } from './bare-worker.ts';

const compatibilityDate = '2026-10-20';

/** What Wrangler takes from the environment alone: no look-up of where the client is, no tracing of every call. */
const wranglerSettings = { CLOUDFLARE_CF_FETCH_ENABLED: 'false', X_LOCAL_OBSERVABILITY: 'false' };

/** The bare Worker on a socket of workerd itself, as `npm start` runs the real one, and behind the front door of `wrangler dev`. */
export async function startBareFrontDoor() {
  Object.assign(process.env, wranglerSettings);
  const folder = await mkdtemp(join(tmpdir(), 'meshkiln-bare-'));
  const entrypoint = join(folder, 'worker.js');
  await writeFile(entrypoint, bareWorker);
  const server = { hostname: '127.0.0.1', port: 0 };
  const dev = { remote: false, watch: false, inspector: false, logLevel: 'warn', server } as const;
  const behindProxy = await startWorker({ name: 'bare', entrypoint, compatibilityDate, dev });
  const bare = {
    name: 'bare',
    modules: true,
    script: bareWorker,
    compatibilityDate,
    unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
  } as V4WorkerOptions;
  const onSocket = new Miniflare(convertV4MiniflareOptions({ host: '127.0.0.1', port: 0, cf: false, workers: [bare] }));
  await Promise.all([behindProxy.ready, onSocket.ready]);
  return {
    frontUrl: (await behindProxy.url).origin,
    url: (await onSocket.unsafeGetDirectURL('bare')).origin,
    async close() {
      await Promise.all([behindProxy.dispose(), onSocket.dispose()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
