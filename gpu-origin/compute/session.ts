import { join } from 'node:path';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import type { OnnxProvider } from '../../contract/mesh.ts';
import type { GraphManifest } from '../families/manifest.ts';
import type { Tensor } from '../pipeline/tensor.ts';
import { fromHalf, toHalf } from './half.ts';
import type { ModelFiles } from './lane-protocol.ts';

/** A model's graphs, ready to run on one device. Only a GPU process holds one, since a run blocks its event loop. */
export type LoadedModel = { manifest: GraphManifest; sessions: Map<string, InferenceSession> };

type Placement = { provider: OnnxProvider; device: number; threads: number };

/** Makes a session of each graph on one provider; throws the runtime's error when the provider or a graph is no good. */
export async function openModel(model: ModelFiles, placement: Placement): Promise<LoadedModel> {
  const sessions = new Map<string, InferenceSession>();
  for (const [name, graph] of Object.entries(model.manifest.graphs)) {
    const session = await InferenceSession.create(join(model.folder, graph.file), sessionOptions(placement));
    sessions.set(name, session);
    requireNames(`graphs.${name}.inputs`, session.inputNames, Object.keys(graph.inputs));
    requireNames(`graphs.${name}.outputs`, session.outputNames, Object.keys(graph.outputs));
    const unfed = session.inputNames.find((input) => !(input in graph.inputs));
    if (unfed !== undefined) throw new Error(`graphs.${name}.inputs lacks "${unfed}", which the graph takes`);
  }
  return { manifest: model.manifest, sessions };
}

/** Runs a graph for the outputs that its manifest names; blocks this process until they are there. */
export async function runGraph(
  model: LoadedModel,
  graphName: string,
  inputs: Record<string, Tensor>,
): Promise<Record<string, Tensor>> {
  const graph = model.manifest.graphs[graphName];
  const session = model.sessions.get(graphName);
  if (graph === undefined || session === undefined) throw new Error(`the model has no graph "${graphName}"`);
  const feeds: Record<string, OrtTensor> = {};
  for (const [name, { type }] of Object.entries(graph.inputs)) {
    const input = inputs[name];
    if (input === undefined) throw new Error(`graph "${graphName}" was given no input "${name}"`);
    feeds[name] =
      type === 'float16'
        ? new OrtTensor('float16', toHalf(input.data), input.dims)
        : new OrtTensor('float32', input.data, input.dims);
  }
  const results = await session.run(feeds, Object.keys(graph.outputs));
  const outputs: Record<string, Tensor> = {};
  for (const name of Object.keys(graph.outputs)) {
    const result = results[name];
    if (result === undefined) throw new Error(`graph "${graphName}" gave no output "${name}"`);
    outputs[name] = { data: float32Of(result), dims: [...result.dims] };
  }
  return outputs;
}

function sessionOptions({ provider, device, threads }: Placement): InferenceSession.SessionOptions {
  return {
    executionProviders: [provider === 'cuda' ? { name: 'cuda', deviceId: device } : provider],
    // The arena keeps the peak of every shape for ever; without it resident memory stays at the largest run.
    enableCpuMemArena: false,
    intraOpNumThreads: threads,
    logSeverityLevel: 3,
  };
}

function requireNames(field: string, has: readonly string[], named: readonly string[]): void {
  const missing = named.find((name) => !has.includes(name));
  if (missing !== undefined) throw new Error(`${field} names "${missing}", but the graph has ${has.join(', ')}`);
}

function float32Of(tensor: OrtTensor): Float32Array {
  if (tensor.data instanceof Float32Array) return tensor.data;
  if (tensor.data instanceof Uint16Array) return fromHalf(tensor.data);
  throw new Error(`outputs are float32 or float16, not ${tensor.type}`);
}
