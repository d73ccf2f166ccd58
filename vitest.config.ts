import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';
import { buildSite } from './edge/build/build-site.ts';
import { ClosingLine } from './test/closing-line.ts';
import { testSecrets } from './test/edge/secrets.ts';

// Before the projects read wrangler.toml, which names the folder of the built pages.
await buildSite();

export default defineConfig({
  test: {
    // By default a machine of two cores runs one file at a time, and most files wait for other processes.
    maxWorkers: 2,
    reporters: ['default', new ClosingLine()],
    projects: [
      {
        plugins: [
          cloudflareTest({ wrangler: { configPath: './wrangler.toml' }, miniflare: { bindings: testSecrets } }),
        ],
        test: { name: 'edge', include: ['test/edge/**/*.test.ts'], testTimeout: 30_000, hookTimeout: 30_000 },
      },
      {
        test: {
          name: 'node',
          include: ['test/{bench,contract,docs,gpu-origin,client,local,security}/**/*.test.ts'],
          testTimeout: 30_000,
          // Some start an origin first; on a busy machine the default of 10 s left their tests, attacks among them, unrun.
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'end-to-end',
          include: ['test/{end-to-end,browser}/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // Each file starts both programs, or a browser beside them: what a test polls for may take its time.
          expect: { poll: { timeout: 10_000 } },
        },
      },
    ],
  },
});
