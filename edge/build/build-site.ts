import { builtOnce } from './built-once.ts';
import { siteConfig } from './site-config.ts';

/** Builds the pages into the folder that wrangler.toml serves them from, unless they are there. */
export async function buildSite(): Promise<void> {
  await builtOnce({
    output: 'dist/site',
    sources: ['edge/build', 'edge/site', 'contract', 'package-lock.json'],
    async build(folder) {
      const { build } = await import('vite'); // a third of a second, for a call that mostly has nothing to do
      await build(siteConfig(folder));
    },
  });
}
