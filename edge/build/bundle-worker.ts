import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { buildSite } from './build-site.ts';
import { builtOnce, root } from './built-once.ts';

const wrangler = join(createRequire(import.meta.url).resolve('wrangler/package.json'), '../bin/wrangler.js');

/** Bundles a Worker by the very command that deploys it, unless that was done; gives the file. */
export async function bundleWorker(entry = 'edge/worker.ts'): Promise<string> {
  await buildSite(); // wrangler wants the folder that wrangler.toml names
  const name = basename(entry, '.ts');
  const folder = await builtOnce({
    output: `dist/${name}`,
    sources: ['edge', 'contract', entry, 'wrangler.toml', 'package-lock.json'],
    build: (aside) =>
      promisify(execFile)(process.execPath, [wrangler, 'deploy', entry, '--dry-run', '--outdir', aside], {
        cwd: root,
        env: { ...process.env, WRANGLER_SEND_METRICS: 'false' },
      }),
  });
  return join(folder, `${name}.js`);
}
