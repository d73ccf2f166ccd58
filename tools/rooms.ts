import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The rooms of each program, lowest first: a folder, or a file that lies in none. A file imports from its own room and
 * from lower ones, types included. The linter's `import/no-cycle` sees to circles inside a room.
 */
const rooms: Readonly<Record<string, readonly string[]>> = {
  edge: [
    'objects.ts',
    'secret.ts',
    'http',
    'store',
    'request-context.ts',
    'outside',
    'search',
    'stats',
    'tenant',
    'access',
    'fleet',
    'flight',
    'removal',
    'request',
    'meshes',
    'webhooks',
    'routes',
    'openapi',
    'env.ts',
    'app.ts',
    'worker.ts',
    'site',
    'build',
  ],
  'gpu-origin': [
    'node-flags.ts',
    'trace.ts',
    'log.ts',
    'digest.ts',
    'hmac.ts',
    'notice.ts',
    'disk',
    'outgoing',
    'metrics',
    'text-to-image',
    'config.ts',
    'mesh',
    'pipeline',
    'families',
    'models',
    'mesh-server',
    'compute',
    'making',
    'write-back',
    'jobs',
    'report',
    'server',
    'setup',
    'parts.ts',
    'origin.ts',
    'main.ts',
  ],
};

for (const [program, order] of Object.entries(rooms)) {
  for (const fault of importsUp(program, order)) {
    console.error(`${fault}, which is not below it in tools/rooms.ts`);
    process.exitCode = 1;
  }
}

/** Imports of one program that do not go to the file's own room or to a lower one, each once. */
function importsUp(program: string, order: readonly string[]): string[] {
  const ups = new Set<string>();
  for (const file of globSync(`${program}/**/*.{ts,mjs}`)) {
    const from = order.indexOf(roomOf(file));
    if (from === -1) throw new Error(`${file} lies in no room of tools/rooms.ts`);
    for (const target of importsOf(file)) {
      if (!target.startsWith(`${program}/`)) continue;
      if (order.indexOf(roomOf(target)) > from) ups.add(`${file} imports from ${roomOf(target)}`);
    }
  }
  return [...ups].toSorted();
}

/** The files of this repository that a file imports, types included. */
function importsOf(file: string): string[] {
  const specifiers = readFileSync(file, 'utf8').matchAll(/\b(?:from|import|import\()\s*'(\.[^']+)'/g);
  return [...specifiers].map(([, specifier = '']) => join(dirname(file), specifier));
}

/** The first folder under the program, or the file itself. */
function roomOf(file: string): string {
  return file.split('/')[1] ?? '';
}
