import { geometryKey, type MeshParams } from '../../contract/key.ts';
import type { Provider, Stage } from '../../contract/mesh.ts';
import { Problem } from '../../contract/problem.ts';
import type { ModelManifest } from '../models/manifest.ts';
import type { Asset } from './encode.ts';
import type { GeometryRecord } from './geometry-record.ts';
import type { KernelPool } from './kernel-pool.ts';
import type { Geometry } from './kernels.ts';
import { matteSource } from './matte.ts';
import type { Picture } from './picture.ts';
import { output, type Tensor } from './tensor.ts';
import type { Thumbnail } from './thumbnail.ts';

export type { Tensor } from './tensor.ts';

/** Runs one graph of a model somewhere: what came out, the accelerator's time, and where it ran. */
export type Infer = (run: {
  /** `name@version`. */
  model: string;
  graph: string;
  inputs: Record<string, Tensor>;
  signal: AbortSignal;
}) => Promise<{ outputs: Record<string, Tensor>; gpuMs: number; provider: Provider; degraded: boolean }>;

/** Where surfaces are kept between requests, under contract/key.ts's geometryKey; it may fail without harm. */
export type GeometryStore = {
  get(key: string, signal: AbortSignal): Promise<Uint8Array | null>;
  put(key: string, bytes: Uint8Array): Promise<void>;
};

/** A model with the digest of its manifest. */
export type PipelineModel = { manifest: ModelManifest; digest: string };

export type MeshJob = {
  image: Uint8Array;
  params: MeshParams;
  /** `shared`, or the tenant whose private result this is. */
  scope: string;
  model: PipelineModel;
  /** The model that finds the object in an opaque picture; null where there is none. */
  matting: PipelineModel | null;
  infer: Infer;
  kernels: KernelPool;
  geometry: GeometryStore;
  /** Told when a stage begins, with the share of the work that is done. */
  onStage: (stage: Stage, progress: number) => void;
  signal: AbortSignal;
};

/** Stages that the pipeline itself goes through. */
export type PipelineStage = Exclude<Stage, 'queue'>;

export type MadeMesh = {
  asset: Asset;
  thumbnail: Thumbnail | null;
  provider: Provider;
  degraded: boolean;
  stagesMs: Record<PipelineStage, number>;
  /** Time that the accelerator spent; 0 when the geometry was reused. */
  gpuMs: number;
  reused: 'geometry' | null;
};

/**
 * Makes a mesh file from an image file. Throws the Problems `invalid_image`, `image_too_many_pixels` and
 * `unprocessable_image` for the image's own faults, an AbortError once the signal fires, and what `infer` throws.
 */
export async function makeMesh(job: MeshJob): Promise<MadeMesh> {
  const { kernels, signal, params } = job;
  const clock = stageClock(job);
  clock.enter('decode');
  const { picture, pixelsSha256 } = await kernels.run('decode', job.image, signal);
  const model = { id: modelId(job.model), digest: job.model.digest };
  const key = await geometryKey({ model, pixelsSha256, params, scope: job.scope });
  const known = await recall(job, key);
  const made = known ?? (await makeGeometry(job, picture, clock));

  clock.enter('texture');
  const painted = await kernels.run('finish', { geometry: made.geometry, params }, signal);
  clock.enter('encode');
  const [asset, thumbnail] = await Promise.all([
    kernels.run('encode', { painted, params }, signal),
    kernels.run('thumbnail', painted, signal),
    known === null && !made.degraded ? keep(job, key, made) : null,
  ]);
  const { provider, degraded, gpuMs } = made;
  return { asset, thumbnail, provider, degraded, stagesMs: clock.stop(), gpuMs, reused: known && 'geometry' };
}

/** Share of the work that is done when a stage begins. */
const progressAt: Record<PipelineStage, number> = {
  decode: 0,
  matte: 0.1,
  infer: 0.2,
  surface: 0.4,
  texture: 0.7,
  encode: 0.85,
};

type StageClock = { enter(stage: PipelineStage): void; stop(): Record<PipelineStage, number> };

function stageClock({ onStage, signal }: MeshJob): StageClock {
  const stagesMs: Record<PipelineStage, number> = { decode: 0, matte: 0, infer: 0, surface: 0, texture: 0, encode: 0 };
  let current: PipelineStage | null = null;
  let since = performance.now();
  const settle = () => {
    const now = performance.now();
    if (current !== null) stagesMs[current] += now - since;
    since = now;
  };
  return {
    enter(stage) {
      signal.throwIfAborted();
      settle();
      current = stage;
      onStage(stage, progressAt[stage]);
    },
    stop() {
      settle();
      return stagesMs;
    },
  };
}

type MadeGeometry = GeometryRecord & { degraded: boolean; gpuMs: number };

async function recall({ geometry, kernels, signal }: MeshJob, key: string): Promise<MadeGeometry | null> {
  try {
    const bytes = await geometry.get(key, signal);
    if (bytes === null) return null;
    return { ...(await kernels.run('readRecord', bytes, signal)), degraded: false, gpuMs: 0 };
  } catch {
    // A store that fails, or holds a damaged record, costs a run and no more.
    signal.throwIfAborted();
    return null;
  }
}

async function keep({ geometry, kernels, signal }: MeshJob, key: string, record: GeometryRecord): Promise<void> {
  const { provider } = record;
  const bytes = await kernels.run('writeRecord', { geometry: record.geometry, provider }, signal);
  await geometry.put(key, bytes).catch(() => undefined); // the mesh is made all the same
}

async function makeGeometry(job: MeshJob, picture: Picture, clock: StageClock): Promise<MadeGeometry> {
  clock.enter('matte');
  const matting = await predictMatte(job, picture);
  const { canvas, tensor } = await job.kernels.run(
    'prepare',
    {
      picture,
      prediction: matting && matting.alpha,
      foregroundRatio: job.params.foreground_ratio,
      preprocessing: job.model.manifest.preprocessing,
    },
    job.signal,
  );
  const made = await inferSurface(job, { canvas, tensor }, clock);
  return {
    ...made,
    gpuMs: made.gpuMs + (matting?.gpuMs ?? 0),
    degraded: made.degraded || (matting?.degraded ?? false),
  };
}

/** The matting model's answer for a picture that does not bring its own matte; null for one that does. */
async function predictMatte(
  { params, matting, infer, kernels, signal }: MeshJob,
  picture: Picture,
): Promise<{ alpha: Tensor; gpuMs: number; degraded: boolean } | null> {
  if (matteSource(picture, params.remove_background) === 'alpha') return null;
  if (matting === null) {
    throw new Problem(
      'unprocessable_image',
      'The background of this picture would have to be removed, and this service has no model for that. ' +
        'Send a picture with a transparent background.',
      { param: 'image' },
    );
  }
  const { size } = matting.manifest.preprocessing;
  const image = await kernels.run('mattingTensor', { picture, size }, signal);
  const run = await infer({ model: modelId(matting), graph: 'matte', inputs: { image }, signal });
  const data = output(run.outputs, 'alpha', [1, 1, size, size]);
  return { alpha: { data, dims: [1, 1, size, size] }, gpuMs: run.gpuMs, degraded: run.degraded };
}

async function inferSurface(
  { model, infer, kernels, signal }: MeshJob,
  { canvas, tensor }: { canvas: Picture; tensor: Tensor },
  clock: StageClock,
): Promise<MadeGeometry> {
  const { manifest } = model;
  if (manifest.family !== 'two-sided-depth') {
    throw new Error(`model ${modelId(model)} is of family ${manifest.family}, which makes no meshes here`);
  }
  clock.enter('infer');
  const run = await infer({ model: modelId(model), graph: 'depth', inputs: { image: tensor }, signal });
  const { size } = manifest.preprocessing;
  const front = output(run.outputs, 'front', [1, 1, size, size]);
  const back = output(run.outputs, 'back', [1, 1, size, size]);
  clock.enter('surface');
  const cameraDistance = manifest.camera?.distance ?? null;
  const surface = await kernels.run('surfaceFromSheets', { canvas, front, back, size, cameraDistance }, signal);
  const geometry: Geometry = { surface, canvas, cameraDistance };
  return { geometry, provider: run.provider, degraded: run.degraded, gpuMs: run.gpuMs };
}

function modelId({ manifest }: PipelineModel): string {
  return `${manifest.name}@${manifest.version}`;
}
