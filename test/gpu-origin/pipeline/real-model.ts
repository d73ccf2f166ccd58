import { readFile } from 'node:fs/promises';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { sha256 } from '../../../contract/digest.ts';
import { GraphManifest } from '../../../gpu-origin/models/manifest.ts';
import type { Infer, PipelineModel } from '../../../gpu-origin/pipeline/pipeline.ts';

const folder = new URL('../../../models/', import.meta.url);

/** A shipped model with an `infer` that runs it on the CPU in this process and counts its runs. */
export async function realModel(name: string): Promise<{ model: PipelineModel; infer: Infer; runs: () => number }> {
  const text = await readFile(new URL(`${name}/1/manifest.json`, folder), 'utf8');
  const manifest = GraphManifest.parse(JSON.parse(text));
  const sessions = new Map<string, InferenceSession>();
  for (const [graph, { file }] of Object.entries(manifest.graphs)) {
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
  return { model: { manifest, digest: await sha256(text) }, infer, runs: () => runs };
}
