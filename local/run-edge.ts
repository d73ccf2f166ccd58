import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, type V4WorkerOptions } from 'miniflare';
import { shippedWorker } from '../edge/build/shipped-worker.ts';
import { localOriginId, originUrl, type LocalSettings } from './settings.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

const localKey = { tenant: 'local', unlimited: true };

type EdgeOptions = {
  /** Where workerd's inspector is to listen; it is shut unless a port is given. */
  inspectorPort?: number | null;
  /** What the secret `ORIGINS` says; the one origin of the settings unless others are given. */
  origins?: readonly { id: string; url: string; secrets: readonly string[] }[];
};

/** The Worker in workerd, until `dispose`. */
export type RunningEdge = {
  inspectorUrl(): Promise<URL>;
  /** Runs the Worker's cron trigger, which nothing else here does; false when it failed. */
  sweep(): Promise<boolean>;
  dispose(): Promise<void>;
};

/**
 * Runs the Worker in workerd with its KV, R2 and objects kept in the state folder: what `wrangler deploy` would ship.
 * `outside` is its way to servers that clients name. It listens on a socket of workerd itself: through the front door of
 * `wrangler dev`, two more processes of calls, each call takes 2 to 5 ms more.
 */
export async function runEdge(
  settings: LocalSettings,
  outside: (request: Request) => Promise<Response>,
  { inspectorPort = null, origins = [localOrigin(settings)] }: EdgeOptions = {},
): Promise<RunningEdge> {
  const shipped = await shippedWorker();
  const worker = {
    ...shipped,
    bindings: { ...shipped.bindings, ...localBindings(settings, origins) },
    serviceBindings: { ...shipped.serviceBindings, OUTSIDE: outside },
    unsafeDirectSockets: [{ host: '127.0.0.1', port: settings.edgePort }],
  } as V4WorkerOptions;
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: '127.0.0.1',
      port: 0,
      cf: false, // a placeholder of where the client is will do, and works offline
      log: new Log(LogLevel.WARN),
      resourcePersistencePath: join(settings.stateFolder, 'edge/v3'), // where Wrangler would have it
      ...(inspectorPort !== null && { inspectorPort }),
      workers: [worker],
    }),
  );
  await miniflare.ready;
  return {
    // One of several services in workerd, which this is the name of.
    inspectorUrl: async () => new URL(`/core:user:${shipped.name}`, await miniflare.getInspectorURL()),
    sweep: async () => (await (await miniflare.getWorker(shipped.name)).scheduled()).outcome === 'ok',
    dispose: () => miniflare.dispose(),
  };
}

function localBindings(settings: LocalSettings, origins: NonNullable<EdgeOptions['origins']>): Record<string, string> {
  return {
    URL_SECRET: settings.urlSecret,
    ORIGINS: JSON.stringify(origins),
    API_KEYS: JSON.stringify([
      { ...localKey, sha256: sha256(settings.apiKey), scopes: ['meshes'] },
      { ...localKey, sha256: sha256(settings.adminKey), scopes: ['meshes', 'admin'] },
    ]),
    PUBLIC_URL: settings.publicUrl,
    ...(settings.metricsToken !== null && { METRICS_TOKEN: settings.metricsToken }),
  };
}

function localOrigin(settings: LocalSettings) {
  return { id: localOriginId, url: originUrl(settings), secrets: [settings.originSecret] };
}
