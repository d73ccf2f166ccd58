import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { startEdgePeer } from './edge-peer.ts';
import { known, startOriginProcess, type OriginProcess } from './origin-process.ts';
import { disc, jobFor, sendJob } from './send-job.ts';

const patience = { timeout: 25_000, interval: 10 };

/** One edge peer, one state folder, and the origins that a test starts on them one after another. */
export async function createSetting() {
  const folder = await mkdtemp(join(tmpdir(), 'origin-'));
  const edge = await startEdgePeer(known);
  // Each job of a test is to reach its model, though all have one image.
  edge.keepsGeometry = false;
  const image = await disc();
  const origins: OriginProcess[] = [];
  const setting = {
    edge,
    image,
    modelsFolder: join(folder, 'models'),
    stateFolder: join(folder, 'state'),
    /** Starts an origin and waits until it takes jobs. */
    start: async (environment: Record<string, string> = {}) => {
      const origin = await startOriginProcess({
        EDGE_URL: edge.url,
        ORIGIN_STATE: setting.stateFolder,
        MODELS_DIR: setting.modelsFolder,
        GEOMETRY_CACHE_BYTES_MAX: '0',
        INFERENCE_THREADS: '1',
        KERNEL_THREADS: '1',
        ...environment,
      });
      origins.push(origin);
      await origin.until('ready');
      return origin;
    },
    /** Sends a job that must be accepted; gives its key. */
    accepted: async (origin: OriginProcess, change: Parameters<typeof jobFor>[1]) => {
      const job = jobFor(image, change);
      const answer = await sendJob(origin.url, job, image);
      expect(answer.status, await answer.text()).toBe(202);
      return job.key;
    },
    result: async (key: string) => {
      await vi.waitFor(() => expect(edge.result(key)).not.toBeNull(), patience);
      return edge.result(key);
    },
    /** Keeps every job at the look-up of its geometry, after its image was decoded, until the returned call. */
    holdJobs: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      edge.hold = ({ path }) => (path.startsWith('/origin/geometry/') ? promise : Promise.resolve());
      return () => {
        edge.hold = () => Promise.resolve();
        resolve();
      };
    },
    until: (check: () => void | Promise<void>) => vi.waitFor(check, patience),
    metric: async (origin: OriginProcess, series: string) => {
      const text = await (await fetch(`${origin.url}/metrics`)).text();
      const line = text.split('\n').find((each) => each.startsWith(`${series} `));
      return line === undefined ? null : Number(line.slice(series.length + 1));
    },
    /** Waits until an origin's lane is in this state, as its metrics have it. */
    lane: (origin: OriginProcess, state: Record<string, number>) =>
      setting.until(async () => {
        for (const [name, value] of Object.entries(state)) {
          const series = `meshkiln_origin_lane_${name}{device="0",provider="cpu"}`;
          expect(await setting.metric(origin, series)).toBe(value);
        }
      }),
    close: async () => {
      for (const origin of origins) await origin.kill('SIGKILL');
      await edge.close();
      await rm(folder, { recursive: true });
    },
  };
  return setting;
}

export type Setting = Awaited<ReturnType<typeof createSetting>>;
