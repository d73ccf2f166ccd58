import type { OnnxProvider } from '../../contract/mesh.ts';
import type { GraphManifest } from '../families/manifest.ts';
import type { Tensor } from '../pipeline/tensor.ts';

/** A model whose files are checked: what a GPU process needs to load it. */
export type ModelFiles = { id: string; folder: string; manifest: GraphManifest };

/** One refused execution provider with the runtime's own words. */
export type Refusal = { provider: OnnxProvider; cause: string };

/** Messages to a GPU process; `start` is the first and comes once. They are handled one after another. */
export type ToGpuProcess =
  | { type: 'start'; device: number; providers: readonly OnnxProvider[]; threads: number }
  | { type: 'load'; model: ModelFiles }
  | { type: 'unload'; id: string }
  | { type: 'run'; model: string; graph: string; inputs: Record<string, Tensor> };

/** Answers of a GPU process: one to each `load` and each `run`, in their order. */
export type FromGpuProcess =
  | {
      type: 'loaded';
      id: string;
      provider: OnnxProvider;
      refusals: Refusal[];
      /** Largest relative error of a golden output; null where the model has none. */
      goldenError: number | null;
      residentBytes: number;
    }
  | { type: 'not-loaded'; id: string; cause: string }
  | { type: 'ran'; outputs: Record<string, Tensor>; ms: number; residentBytes: number }
  | { type: 'failed'; cause: string };
