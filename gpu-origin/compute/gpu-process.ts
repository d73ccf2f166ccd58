import type { OnnxProvider } from '../../contract/mesh.ts';
import { causeText } from '../log.ts';
import { manifestOn } from '../models/variants.ts';
import type { Tensor } from '../pipeline/tensor.ts';
import type { FromGpuProcess, ModelFiles, Refusal, ToGpuProcess } from './lane-protocol.ts';
import { openModel, runGraph, type LoadedModel } from './session.ts';
import { checkGolden, warmUp } from './warm-up.ts';

/** Where this process runs its models: open until the first model has shown which provider there is. */
type Place = { device: number; threads: number; providers: readonly OnnxProvider[]; refusals: Refusal[] };

/** Bytes of inputs and outputs after which those of runs that are over are freed. */
const garbageBytesMax = 4 * 1024 ** 2;

const models = new Map<string, LoadedModel>();
let place: Place = { device: 0, threads: 0, providers: [], refusals: [] };
let garbageBytes = 0;
let handled: Promise<void> = Promise.resolve();

process.on('message', (message: ToGpuProcess) => {
  handled = handled.then(() => handle(message));
});
// The origin ends this process: it outlives a Ctrl-C that reaches the whole group, and never its parent.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.on('disconnect', () => process.exit(0));

async function handle(message: ToGpuProcess): Promise<void> {
  if (message.type === 'start') place = { ...message, refusals: [] };
  else if (message.type === 'load') answer(await load(message.model));
  else if (message.type === 'unload') await unload(message.id);
  else {
    const ran = await run(message);
    answer(ran);
    garbageBytes += bytesOf(message.inputs) + (ran.type === 'ran' ? bytesOf(ran.outputs) : 0);
    freeGarbage();
  }
}

/**
 * Collects young objects, among which are all tensors of runs that are over. V8 sees few bytes in them, since their
 * numbers lie outside of its heap, and lets up to 64 MiB gather before it collects the whole heap, which takes longer.
 */
function freeGarbage(): void {
  if (garbageBytes < garbageBytesMax) return;
  garbageBytes = 0;
  void globalThis.gc?.({ type: 'minor' });
}

function bytesOf(tensors: Record<string, Tensor>): number {
  return Object.values(tensors).reduce((sum, { data }) => sum + data.byteLength, 0);
}

async function load(model: ModelFiles): Promise<FromGpuProcess> {
  const refusals: Refusal[] = [];
  for (const provider of place.providers) {
    try {
      const manifest = manifestOn(model.manifest, provider);
      const loaded = await openModel({ ...model, manifest }, { ...place, provider });
      const goldenError = await checkGolden(loaded, model);
      await warmUp(loaded);
      models.set(model.id, loaded);
      // All models of a process share the provider that the first one found.
      if (place.providers.length > 1) place = { ...place, providers: [provider], refusals };
      return {
        type: 'loaded',
        id: model.id,
        provider,
        refusals: place.refusals,
        goldenError,
        residentBytes: process.memoryUsage.rss(),
      };
    } catch (error) {
      refusals.push({ provider, cause: causeText(error) });
    }
  }
  const cause = refusals.map((refusal) => `${refusal.provider}: ${refusal.cause}`).join('; ');
  return { type: 'not-loaded', id: model.id, cause };
}

async function unload(id: string): Promise<void> {
  const model = models.get(id);
  models.delete(id);
  for (const session of model?.sessions.values() ?? []) await session.release();
}

async function run(message: ToGpuProcess & { type: 'run' }): Promise<FromGpuProcess> {
  try {
    const model = models.get(message.model);
    if (model === undefined) throw new Error(`${message.model} is not loaded`);
    const start = performance.now();
    const outputs = await runGraph(model, message.graph, message.inputs);
    return { type: 'ran', outputs, ms: performance.now() - start, residentBytes: process.memoryUsage.rss() };
  } catch (error) {
    return { type: 'failed', cause: causeText(error) };
  }
}

function answer(message: FromGpuProcess): void {
  process.send?.(message);
}
