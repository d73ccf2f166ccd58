import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { convertV4MiniflareOptions, Miniflare, type V4WorkerOptions } from 'miniflare';
import { unstable_getMiniflareWorkerOptions as workerOptionsOf } from 'wrangler';
import { buildSite } from '../../edge/site/build/build-site.ts';
import { bareWorker } from './bare-worker.ts';
import { benchOrigin } from './report.ts';

const repository = join(import.meta.dirname, '../..');
const digestOf = (text: string) => createHash('sha256').update(text).digest('hex');

/** The key that the benches send; unlimited, since a limiter would end every load after a moment. */
export const apiKey = 'mk_bench';

/**
 * Starts the Worker as it is deployed, or another one of the same bindings, and a bare one beside it in the same workerd;
 * both keep all in memory.
 */
export async function startEdge(entry = 'edge/worker.ts') {
  const folder = await mkdtemp(join(tmpdir(), 'meshkiln-bench-'));
  const bundled = await bundle(entry, folder);
  const shipped = workerOptionsOf(join(repository, 'wrangler.toml')).workerOptions as Partial<V4WorkerOptions>;
  // The bundle has no modules but its own, and the pages are not measured.
  const { modulesRules: _rules, assets: _pages, ...options } = shipped;
  const common: Partial<V4WorkerOptions> = {
    ...(options.compatibilityDate && { compatibilityDate: options.compatibilityDate }),
    unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
  };
  const meshkiln = {
    ...options,
    ...common,
    name: 'meshkiln',
    rootPath: folder,
    modules: [{ type: 'ESModule', path: bundled }],
    bindings: { ...options.bindings, ...secrets },
  } as V4WorkerOptions;
  const bare = { ...common, name: 'bare', modules: true, script: bareWorker } as V4WorkerOptions;
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({ host: '127.0.0.1', port: 0, cf: false, workers: [meshkiln, bare] }),
  );
  const frontUrl = (await miniflare.ready).origin;
  return {
    /** Through Miniflare's front door, as in local development. */
    frontUrl,
    /** On a socket of workerd itself, which shows costs that the front door hides. */
    url: (await miniflare.unsafeGetDirectURL('meshkiln')).origin,
    bareUrl: (await miniflare.unsafeGetDirectURL('bare')).origin,
    store: await miniflare.getR2Bucket('STORE', 'meshkiln'),
    manifests: await miniflare.getKVNamespace('MANIFESTS', 'meshkiln'),
    async close() {
      await miniflare.dispose();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export type BenchEdge = Awaited<ReturnType<typeof startEdge>>;

const secrets = {
  URL_SECRET: 'a secret of the benches, of 32 characters or more',
  ORIGINS: JSON.stringify([{ id: benchOrigin.id, url: benchOrigin.url, secrets: [benchOrigin.secret] }]),
  API_KEYS: JSON.stringify([{ sha256: digestOf(apiKey), tenant: 'bench', scopes: ['meshes'], unlimited: true }]),
};

/** Bundles a Worker by the very command that deploys it; gives the file. */
async function bundle(entry: string, folder: string): Promise<string> {
  await buildSite();
  const wrangler = join(repository, 'node_modules/.bin/wrangler');
  await promisify(execFile)(wrangler, ['deploy', entry, '--dry-run', '--outdir', folder], { cwd: repository });
  return join(folder, `${basename(entry, '.ts')}.js`);
}
