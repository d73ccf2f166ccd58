import { digestOf } from '../../gpu-origin/digest.ts';
import { convertV4MiniflareOptions, Miniflare, type V4WorkerOptions } from 'miniflare';
import { shippedWorker } from '../../edge/build/shipped-worker.ts';
import { bareWorker } from './bare-worker.ts';
import { benchOrigin } from './report.ts';

/** The key that the benches send; unlimited, since a limiter would end every load after a moment. */
export const apiKey = 'mk_bench';

/**
 * Starts the Worker as it is deployed, or another one of the same bindings, and a bare one beside it in the same workerd;
 * both keep all in memory.
 */
export async function startEdge(entry = 'edge/worker.ts') {
  // The pages are not measured.
  const { assets: _pages, ...options } = await shippedWorker(entry);
  const common: Partial<V4WorkerOptions> = {
    ...(options.compatibilityDate && { compatibilityDate: options.compatibilityDate }),
    unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
  };
  const meshkiln = {
    ...options,
    ...common,
    bindings: { ...options.bindings, ...secrets },
  } as V4WorkerOptions;
  const bare = { ...common, name: 'bare', modules: true, script: bareWorker } as V4WorkerOptions;
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({ host: '127.0.0.1', port: 0, cf: false, workers: [meshkiln, bare] }),
  );
  const frontUrl = (await miniflare.ready).origin;
  return {
    /** Through Miniflare's front door, as with `wrangler dev`. */
    frontUrl,
    /** On a socket of workerd itself, which shows costs that the front door hides. */
    url: (await miniflare.unsafeGetDirectURL('meshkiln')).origin,
    bareUrl: (await miniflare.unsafeGetDirectURL('bare')).origin,
    store: await miniflare.getR2Bucket('STORE', 'meshkiln'),
    manifests: await miniflare.getKVNamespace('MANIFESTS', 'meshkiln'),
    close: () => miniflare.dispose(),
  };
}

export type BenchEdge = Awaited<ReturnType<typeof startEdge>>;

const secrets = {
  URL_SECRET: 'a secret of the benches, of 32 characters or more',
  ORIGINS: JSON.stringify([{ id: benchOrigin.id, url: benchOrigin.url, secrets: [benchOrigin.secret] }]),
  API_KEYS: JSON.stringify([{ sha256: digestOf(apiKey), tenant: 'bench', scopes: ['meshes'], unlimited: true }]),
};
