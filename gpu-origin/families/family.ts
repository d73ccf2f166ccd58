import type { z } from 'zod';
import type { MeshParams } from '../../contract/key.ts';
import type { Provider, Stage } from '../../contract/mesh.ts';
import type { Geometry } from '../pipeline/geometry.ts';
import type { KernelPool } from '../pipeline/kernel-pool.ts';
import type { PictureToCut } from '../pipeline/kernels.ts';
import type { Picture } from '../pipeline/picture.ts';
import type { Tensor } from '../pipeline/tensor.ts';

/** `name@version` of a model, and the digest of its manifest: a name may stand for other weights after a reload. */
export type ModelContent = { id: string; digest: string };

/** A model with its manifest. */
export type ModelOf<Manifest> = ModelContent & { manifest: Manifest };

/** True for the same content of the same name. */
export function sameContent(a: ModelContent, b: ModelContent): boolean {
  return a.id === b.id && a.digest === b.digest;
}

/** Runs one graph of a model: what came out, the accelerator's time, and where it ran. */
export type Infer = (run: {
  /** Exactly this content is run; rejects when it is no longer served. */
  model: ModelContent;
  graph: string;
  inputs: Record<string, Tensor>;
  signal: AbortSignal;
  /** True for one of thousands of small runs, such as those of a field's points, which must cost next to nothing each. */
  oneOfMany?: boolean;
}) => Promise<{ outputs: Record<string, Tensor>; gpuMs: number; provider: Provider; degraded: boolean }>;

/** Asks the HTTP server of a model for a mesh of a picture: a GLB, and the time that the server took. */
export type AskServer = (question: {
  model: ModelContent;
  /** A PNG file. */
  picture: Uint8Array;
  params: MeshParams;
  signal: AbortSignal;
}) => Promise<{ glb: Uint8Array; ms: number }>;

/** What a job needs of what all jobs share, beside its place among those in progress. */
export type Needs = {
  /** Whether it waits for something outside this machine: an image API, or a model's server. */
  outside: boolean;
  /** Most bytes that its field and the work on it hold; 0 for a job without a field. */
  fieldBytes: number;
};

/** The stages of making a mesh. */
export type PipelineStage = Exclude<Stage, 'queue'>;

/** Ends the present stage, if any, and begins the next; throws an AbortError once the job's signal has fired. */
export type EnterStage = (stage: PipelineStage) => void;

/** A surface that a model made of a picture, and what its runs cost. */
export type MadeGeometry = { geometry: Geometry; provider: Provider; degraded: boolean; gpuMs: number };

/** A job as the family of its model sees it. */
export type FamilyJob<Manifest> = {
  model: ModelOf<Manifest>;
  params: MeshParams;
  infer: Infer;
  /** Needed by models behind a server alone. */
  askServer?: AskServer;
  kernels: KernelPool;
  enter: EnterStage;
  signal: AbortSignal;
};

/** A decoded picture. `findObject` runs the matting model for a picture that has no transparency. */
export type FamilyInput = { picture: Picture; findObject: () => Promise<Omit<PictureToCut, 'picture'>> };

/** One row of the table of families: all that is particular to a kind of model. */
export type Family<Manifest> = {
  manifest: z.ZodType<Manifest>;
  needs: (params: MeshParams, manifest: Manifest) => Needs;
  /** The way from a picture to a surface; null for models that only help others. */
  makeSurface: ((job: FamilyJob<Manifest>, input: FamilyInput) => Promise<MadeGeometry>) | null;
};

/** The needs of a job that runs graphs and has no field. */
export const devicesOnly: Needs = { outside: false, fieldBytes: 0 };
