import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../local/free-port.ts';
import { createOutside, publicInternet, type OutsideOptions } from '../../local/outside.ts';
import { runEdge } from '../../local/run-edge.ts';
import { edgeUrl, localSettings } from '../../local/settings.ts';
import { startScriptedOrigin } from './scripted-origin.ts';

/** The edge as `npm start` runs it, in this very process, with a scripted origin and a way out of the test's choice. */
export type EdgeAlone = Awaited<ReturnType<typeof startEdgeAlone>>;

export async function startEdgeAlone(outside: Partial<OutsideOptions> = {}, { inspected = false } = {}) {
  const stateFolder = await mkdtemp(join(tmpdir(), 'meshkiln-test-'));
  const settings = localSettings({ stateFolder, edgePort: await freePort(), originPort: await freePort() });
  const inspectorPort = inspected ? await freePort() : null;
  const start = () => runEdge(settings, createOutside({ ...publicInternet, ...outside }), { inspectorPort });
  const origin = await startScriptedOrigin(settings);
  let worker = await start();
  await origin.report();
  return {
    settings,
    origin,
    url: edgeUrl(settings),
    /** Any call with the local key. */
    call(path: string, init: RequestInit = {}): Promise<Response> {
      const headers = new Headers(init.headers);
      if (!headers.has('authorization')) headers.set('authorization', `Bearer ${settings.apiKey}`);
      return fetch(edgeUrl(settings) + path, { ...init, headers });
    },
    /** Where workerd's inspector listens; the edge must be `inspected`. */
    inspectorUrl: (): Promise<URL> => worker.inspectorUrl(),
    sweep: (): Promise<boolean> => worker.sweep(),
    /** Ends workerd, and starts it anew on the same state. */
    async restart(): Promise<void> {
      await worker.dispose();
      worker = await start();
      await origin.report();
    },
    async close(): Promise<void> {
      origin.close();
      await worker.dispose();
      await rm(stateFolder, { recursive: true, force: true });
    },
  };
}
