import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { convertV4MiniflareOptions, Miniflare, type V4WorkerOptions } from 'miniflare';
import { unstable_startWorker as startWorker } from 'wrangler';
import { wranglerSettings } from '../../local/run-edge.ts';
import { bareWorker } from './bare-worker.ts';

const compatibilityDate = '2026-10-20';

/** The bare Worker behind the front door that `npm start` gives the real one, and on a socket of workerd itself. */
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
