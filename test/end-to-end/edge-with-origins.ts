import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { Meshkiln } from '../../client/meshkiln.ts';
import { freePort } from '../../local/free-port.ts';
import { createOutside, publicInternet } from '../../local/outside.ts';
import { runEdge } from '../../local/run-edge.ts';
import { edgeUrl, localSettings } from '../../local/settings.ts';
import { parseExposition } from '../exposition.ts';
import { heavyInflation, writeModel } from '../gpu-origin/support/models.ts';
import { startOriginProcess, type OriginProcess } from '../gpu-origin/support/origin-process.ts';

const ids = ['first', 'second'] as const;
type OriginId = (typeof ids)[number];

/** Any start of a program, on a busy machine. */
const patience = { timeout: 60_000, interval: 100 };

/** The edge as `npm start` runs it, in this very process, and two real origins that a test starts and ends. */
export type EdgeWithOrigins = Awaited<ReturnType<typeof startEdgeWithOrigins>>;

export async function startEdgeWithOrigins() {
  const folder = await mkdtemp(join(tmpdir(), 'meshkiln-test-'));
  const settings = localSettings({ stateFolder: folder, edgePort: await freePort(), originPort: await freePort() });
  const modelsFolder = join(folder, 'models');
  const model = await writeModel(modelsFolder, { depth: heavyInflation(1) }, { batch: { maximum: 1 } });
  const urls = { first: await loopbackUrl(), second: await loopbackUrl() };
  const origins = ids.map((id) => ({ id, url: urls[id], secrets: [settings.originSecret] }));
  const worker = await runEdge(settings, createOutside(publicInternet), { origins });
  const running: OriginProcess[] = [];
  const stateOf = (id: OriginId) => join(folder, id);
  const url = edgeUrl(settings);

  const edge = {
    /** `name@version` of the one model. */
    model: model.id,
    client: new Meshkiln({ url, apiKey: settings.apiKey }),
    /** Where an origin keeps what must survive it. */
    stateOf,
    /** A call with the admin key and a JSON body. */
    admin: (path: string, body: unknown) =>
      fetch(url + path, {
        method: 'POST',
        headers: { authorization: `Bearer ${settings.adminKey}` },
        body: JSON.stringify(body),
      }),
    /** A series of the edge's metrics; null when it is not there. */
    async metric(series: string): Promise<number | null> {
      const text = await (
        await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${settings.adminKey}` } })
      ).text();
      return parseExposition(text).series.get(`meshkiln_edge_${series}`) ?? null;
    },
    /** Starts an origin and waits until the edge knows that it serves the model. */
    async start(id: OriginId, environment: Record<string, string> = {}): Promise<OriginProcess> {
      const origin = await startOriginProcess({
        ORIGIN_ID: id,
        ORIGIN_SECRET: settings.originSecret,
        ORIGIN_PORT: new URL(urls[id]).port,
        ORIGIN_URL: urls[id],
        ORIGIN_STATE: stateOf(id),
        EDGE_URL: url,
        MODELS_DIR: modelsFolder,
        INFERENCE_THREADS: '1',
        KERNEL_THREADS: '1',
        ...environment,
      });
      running.push(origin);
      await origin.until('ready');
      const runs = `origin_gpu_runs_total{origin="${id}",model="${model.id}"}`;
      await vi.waitFor(async () => expect(await edge.metric(runs)).not.toBeNull(), patience);
      return origin;
    },
    async close(): Promise<void> {
      for (const origin of running) await origin.kill('SIGKILL');
      await worker.dispose();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return edge;
}

async function loopbackUrl(): Promise<string> {
  return `http://127.0.0.1:${await freePort()}`;
}
