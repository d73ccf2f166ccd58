import { readFile } from 'node:fs/promises';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { sha256 } from '../../../contract/digest.ts';
import { ModelManifest } from '../../../gpu-origin/families/families.ts';
import type { GraphManifest } from '../../../gpu-origin/families/manifest.ts';
import type { Infer, ModelOf } from '../../../gpu-origin/families/family.ts';

const folder = new URL('../../../models/', import.meta.url);

/** The shipped models and their families. */
type Shipped = { bisque: 'two-sided-depth'; slip: 'matting' };

/** A shipped model with an `infer` that runs it on the CPU in this process and counts its runs. */
export async function realModel<Name extends keyof Shipped>(name: Name) {
  const text = await readFile(new URL(`${name}/1/manifest.json`, folder), 'utf8');
  const manifest = ModelManifest.parse(JSON.parse(text)) as Extract<ModelManifest, { family: Shipped[Name] }>;
  const { graphs }: GraphManifest = manifest;
  const sessions = new Map<string, InferenceSession>();
  for (const [graph, { file }] of Object.entries(graphs)) {
    sessions.set(graph, await InferenceSession.create(await readFile(new URL(`${name}/1/${file}`, folder))));
  }
  let runs = 0;
  const infer: Infer = async ({ graph, inputs }) => {
    runs++;
    const since = performance.now();
    const feeds = Object.entries(inputs).map(([key, { data, dims }]) => [key, new Tensor('float32', data, dims)]);
    const outputs = await sessions.get(graph)?.run(Object.fromEntries(feeds));
    if (outputs === undefined) throw new Error(`${name} has no graph "${graph}"`);
    return {
      outputs: Object.fromEntries(
        Object.entries(outputs).map(([key, tensor]) => [
          key,
          { data: tensor.data as Float32Array, dims: [...tensor.dims] },
        ]),
      ),
      gpuMs: performance.now() - since,
      provider: 'cpu',
      degraded: false,
    };
  };
  const model: ModelOf<typeof manifest> = { id: `${name}@1`, digest: await sha256(text), manifest };
  return { model, infer, runs: () => runs };
}
