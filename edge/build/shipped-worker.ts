import { dirname, join } from 'node:path';
import type { V4WorkerOptions } from 'miniflare';
import { unstable_getMiniflareWorkerOptions as workerOptionsOf } from 'wrangler';
import { root } from './built-once.ts';
import { bundleWorker } from './bundle-worker.ts';

/** What Miniflare is to run as the Worker that is deployed, or another one of the same bindings: all that wrangler.toml says. */
export async function shippedWorker(entry?: string): Promise<Partial<V4WorkerOptions> & { name: string }> {
  const script = await bundleWorker(entry);
  const { modulesRules: _rules, ...options } = workerOptionsOf(join(root, 'wrangler.toml'))
    .workerOptions as Partial<V4WorkerOptions>;
  // The bundle has no modules but its own, which the rules are for.
  return {
    ...options,
    name: 'meshkiln',
    modules: [{ type: 'ESModule', path: script }],
    modulesRoot: dirname(script),
  } as Partial<V4WorkerOptions> & { name: string };
}
