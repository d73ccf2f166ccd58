import type { Provider } from '../../contract/mesh.ts';
import type { ModelManifest } from '../models/manifest.ts';
import type { Tensor } from '../pipeline/tensor.ts';

/** A model whose files are checked: what a GPU process needs to load it. */
export type ModelFiles = { id: string; folder: string; manifest: ModelManifest };

/** One refused execution provider with the runtime's own words. */
export type Refusal = { provider: Provider; cause: string };

/** Messages to a GPU process; `start` is the first and comes once. They are handled one after another. */
export type ToGpuProcess =
  | { type: 'start'; device: number; providers: readonly Provider[]; threads: number }
  | { type: 'load'; model: ModelFiles }
  | { type: 'unload'; id: string }
  | { type: 'run'; model: string; graph: string; inputs: Record<string, Tensor> };

/** Answers of a GPU process: one to each `load` and each `run`, in their order. */
export type FromGpuProcess =
  | { type: 'loaded'; id: string; provider: Provider; refusals: Refusal[]; residentBytes: number }
  | { type: 'not-loaded'; id: string; cause: string }
  | { type: 'ran'; outputs: Record<string, Tensor>; ms: number; residentBytes: number }
  | { type: 'failed'; cause: string };
