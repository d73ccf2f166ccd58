import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { InlineConfig, Plugin } from 'vite';

const root = join(import.meta.dirname, '../site');
const pages = ['index', 'dashboard', 'docs', 'share'];

/** Everything that the pages load lies under `/site/`, with its digest in its name; `/assets/` is the API's. */
const loadedFolder = 'site';

/** How Vite makes the site of its sources, into a folder. */
export function siteConfig(outputFolder: string): InlineConfig {
  return {
    configFile: false,
    root,
    logLevel: 'warn',
    // Named, since a test runner's NODE_ENV would make it another build of the same sources.
    mode: 'production',
    resolve: { conditions: ['module', 'browser', 'production'] },
    plugins: [frame(), decoders()],
    build: {
      outDir: outputFolder,
      emptyOutDir: true,
      assetsDir: loadedFolder,
      modulePreload: { polyfill: false },
      assetsInlineLimit: 0, // a data: URL would need a hole in the pages' content security policy
      chunkSizeWarningLimit: 1500, // kB: the 3D viewer, which comes with the first mesh
      rolldownOptions: {
        input: pages.map((page) => join(root, `${page}.html`)),
        checks: { pluginTimings: false },
      },
    },
  };
}

/** Puts the header, with the page's own link marked as the current one, and the footer into each page. */
function frame(): Plugin {
  return {
    name: 'frame',
    transformIndexHtml: {
      order: 'pre', // so that Vite finds the pictures in them
      handler(html, { path }) {
        const link = `href="${path.replace(/index\.html$|\.html$/, '')}"`;
        const header = part('header').replace(`<a ${link}`, `<a ${link} aria-current="page"`);
        return html.replace('<!-- header -->', header).replace('<!-- footer -->', part('footer'));
      },
    },
  };
}

function part(name: 'header' | 'footer'): string {
  return readFileSync(join(root, `frame/${name}.html`), 'utf8');
}

/** Decoders of compressed meshes, which the 3D viewer loads by these names from one folder. */
const decoderFiles = {
  'draco_wasm_wrapper.js': 'three/examples/jsm/libs/draco/gltf/draco_wasm_wrapper.js',
  'draco_decoder.wasm': 'three/examples/jsm/libs/draco/gltf/draco_decoder.wasm',
  'meshopt_decoder.js': 'meshoptimizer/decoder.cjs',
};

/** Puts the decoders into a folder with their digest in its name, which the pages know as `import.meta.env.DECODERS`. */
function decoders(): Plugin {
  const require = createRequire(import.meta.url);
  const files = Object.entries(decoderFiles).map(([name, file]) => ({
    name,
    source: readFileSync(require.resolve(file)),
  }));
  const digest = createHash('sha256');
  for (const { source } of files) digest.update(source);
  const folder = `${loadedFolder}/decoders-${digest.digest('hex').slice(0, 8)}`;
  return {
    name: 'decoders',
    config: () => ({ define: { 'import.meta.env.DECODERS': JSON.stringify(`/${folder}/`) } }),
    generateBundle() {
      for (const { name, source } of files) this.emitFile({ type: 'asset', fileName: `${folder}/${name}`, source });
    },
  };
}
