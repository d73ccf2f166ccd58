import { join } from 'node:path';
import { nodeFlags } from '../gpu-origin/node-flags.ts';
import { edgeUrl, localOriginId, originUrl, type LocalSettings } from './settings.ts';
import { Supervisor } from './supervisor.ts';

/** Both programs of Meshkiln as `npm start` runs them on one machine. */
export type Programs = { edge: Supervisor; origin: Supervisor; stop(): Promise<void> };

/**
 * How long a job in progress is waited for when an origin of `npm start` is ended, in seconds, and how long a program may
 * take to end besides: together less than the 10 s that `docker stop` and others give.
 */
const drainSecondsMax = 4;
const stopGraceMs = { origin: 3_000, edge: 2_000 };

/**
 * Starts the edge, then the origin; resolves when a request can be made, and throws when `signal` aborts before. Each line
 * they print goes to `onLine`.
 */
export async function startPrograms(
  settings: LocalSettings,
  onLine: (program: 'edge' | 'origin', line: string) => void,
  signal?: AbortSignal,
): Promise<Programs> {
  const drainSeconds = Number(process.env.DRAIN_SECONDS_MAX ?? drainSecondsMax);
  const edge = new Supervisor({
    name: 'edge',
    file: join(import.meta.dirname, 'edge.ts'),
    environment: settingsEnvironment(settings),
    readyUrl: `${edgeUrl(settings)}/healthz`,
    stopGraceMs: stopGraceMs.edge,
    onLine: (line) => onLine('edge', line),
  });
  const origin = new Supervisor({
    name: 'origin',
    file: join(import.meta.dirname, 'origin.ts'),
    nodeFlags,
    environment: { ...originEnvironment(settings), DRAIN_SECONDS_MAX: String(drainSeconds) },
    stopGraceMs: drainSeconds * 1000 + stopGraceMs.origin,
    // The edge is ready to make meshes once an origin has reported to it.
    readyUrl: `${edgeUrl(settings)}/readyz`,
    onLine: (line) => onLine('origin', line),
  });
  const stop = async () => {
    // The origin first: what it has finished goes to the edge.
    await origin.stop();
    await edge.stop();
  };
  try {
    await edge.start(signal);
    await origin.start(signal);
  } catch (error) {
    await stop();
    throw error;
  }
  return { edge, origin, stop };
}

function settingsEnvironment(settings: LocalSettings): Record<string, string> {
  return {
    EDGE_PORT: String(settings.edgePort),
    ORIGIN_PORT: String(settings.originPort),
    MESHKILN_STATE: settings.stateFolder,
    MESHKILN_API_KEY: settings.apiKey,
    MESHKILN_ADMIN_KEY: settings.adminKey,
    MESHKILN_PUBLIC_URL: settings.publicUrl,
  };
}

function originEnvironment(settings: LocalSettings): Record<string, string> {
  return {
    MESHKILN_STATE: settings.stateFolder,
    ORIGIN_ID: localOriginId,
    ORIGIN_SECRET: settings.originSecret,
    ORIGIN_HOST: '127.0.0.1',
    ORIGIN_PORT: String(settings.originPort),
    ORIGIN_URL: originUrl(settings),
    ORIGIN_STATE: join(settings.stateFolder, 'origin'),
    EDGE_URL: edgeUrl(settings),
  };
}
