import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { buildSite } from './edge/build/build-site.ts';
import { ClosingLine } from './test/closing-line.ts';
import { testSecrets } from './test/edge/secrets.ts';

// Before the projects read wrangler.toml, which names the folder of the built pages.
await buildSite();

// The programs that tests start, and the workers themselves, load the same sources again and again.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('./node_modules/.cache/compile', import.meta.url));

/** A smoke of each kind of test that starts programs: the origin alone, both programs, a page in a browser. */
const smoke = [
  'test/gpu-origin/server/jobs-route.test.ts',
  'test/end-to-end/demo.test.ts',
  'test/browser/docs.test.ts',
];

/** Those of the origin, its tools and the benches that start processes, or make meshes with the shipped models. */
const processes = [
  'test/bench/validate.test.ts',
  'test/gpu-origin/{crashes,mesh-server,prompts}.test.ts',
  'test/gpu-origin/compute/gpu-pool.test.ts',
  'test/gpu-origin/pipeline/{pipeline,texture,formats}.test.ts',
  'test/gpu-origin/server/{operations,queue-full,full-disk}.test.ts',
  'test/gpu-origin/write-back/*.test.ts',
];

/** Each file starts both programs, or a browser beside them: what a test polls for may take its time. */
const endToEnd = { testTimeout: 120_000, hookTimeout: 120_000, expect: { poll: { timeout: 10_000 } } };

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
          name: 'unit',
          include: ['test/{bench,contract,docs,gpu-origin,client,local,security}/**/*.test.ts'],
          exclude: [...processes, ...smoke],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'processes',
          include: processes,
          testTimeout: 30_000,
          // Some start an origin first; on a busy machine the default of 10 s left their tests unrun.
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'end-to-end',
          include: ['test/{end-to-end,browser}/**/*.test.ts'],
          exclude: smoke,
          ...endToEnd,
        },
      },
      { test: { name: 'smoke', include: smoke, ...endToEnd } },
    ],
  },
});
