import type { MeshParams } from '../../contract/key.ts';
import type { Provider, Stage } from '../../contract/mesh.ts';
import type { GraphManifest, ModelManifest } from '../models/manifest.ts';
import type { Geometry } from './geometry.ts';
import type { KernelPool } from './kernel-pool.ts';
import type { MadeFile } from './made-file.ts';
import type { Tensor } from './tensor.ts';

/** `name@version` of a model, and the digest of its manifest, which tells two contents of one name apart. */
export type ModelContent = { id: string; digest: string };

/** Runs one graph of a model somewhere: what came out, the accelerator's time, and where it ran. */
export type Infer = (run: {
  /** `name@version`. */
  model: string;
  graph: string;
  inputs: Record<string, Tensor>;
  signal: AbortSignal;
  /** True for one of thousands of small runs, as those of a field's points are: nothing is to be done for each. */
  oneOfMany?: boolean;
}) => Promise<{ outputs: Record<string, Tensor>; gpuMs: number; provider: Provider; degraded: boolean }>;

/** Where surfaces are kept between requests, under contract/key.ts's geometryKey; it may fail without harm. */
export type GeometryStore = {
  get(key: string, signal: AbortSignal): Promise<Uint8Array | null>;
  put(key: string, bytes: Uint8Array): Promise<void>;
};

/** A model with the digest of its manifest; one of graphs unless it is said otherwise. */
export type PipelineModel<Manifest extends ModelManifest = GraphManifest> = { manifest: Manifest; digest: string };

/** Asks the HTTP server of a model for a mesh of a picture: a GLB, and the time that the server took. */
export type AskServer = (question: {
  model: ModelContent;
  /** A PNG file. */
  picture: Uint8Array;
  params: MeshParams;
  signal: AbortSignal;
}) => Promise<{ glb: Uint8Array; ms: number }>;

/** One image on its way to a mesh, with all that it needs. */
export type MeshJob = {
  image: Uint8Array;
  params: MeshParams;
  /** `shared`, or the tenant whose private result this is. */
  scope: string;
  model: PipelineModel<ModelManifest>;
  /** The model that finds the object in an opaque picture; null where there is none. */
  matting: PipelineModel | null;
  infer: Infer;
  /** Needed by models behind a server alone. */
  askServer?: AskServer;
  kernels: KernelPool;
  geometry: GeometryStore;
  /** Told when a stage begins, with the share of the work that is done. */
  onStage: (stage: Stage, progress: number) => void;
  /** Told of the mesh file as soon as it is made. */
  onAsset?: (asset: MadeFile) => void;
  signal: AbortSignal;
};

/** A job whose model is of graphs. */
export type GraphJob = MeshJob & { model: PipelineModel };

/** Stages that the pipeline itself goes through. */
export type PipelineStage = Exclude<Stage, 'queue'>;

/** Ends the stage that runs, if any, and begins the next; throws an AbortError once the job's signal has fired. */
export type EnterStage = (stage: PipelineStage) => void;

/** What a model made of a picture, and what its runs cost. */
export type MadeGeometry = { geometry: Geometry; provider: Provider; degraded: boolean; gpuMs: number };

/** `name@version` of a model. */
export function modelId({ manifest }: PipelineModel<ModelManifest>): string {
  return `${manifest.name}@${manifest.version}`;
}
