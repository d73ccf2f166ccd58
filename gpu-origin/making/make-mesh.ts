import { geometryKey } from '../../contract/key.ts';
import type { Provider, Stage } from '../../contract/mesh.ts';
import { Problem } from '../../contract/problem.ts';
import { makeSurface, type ModelManifest } from '../families/families.ts';
import type { EnterStage, FamilyJob, MadeGeometry, ModelOf, PipelineStage } from '../families/family.ts';
import { predictMatte, type MattingManifest } from '../families/matting.ts';
import type { Asset } from '../pipeline/encode.ts';
import type { GeometryRecord } from '../pipeline/geometry-record.ts';
import type { MadeFile } from '../pipeline/made-file.ts';
import { matteSource } from '../pipeline/matte.ts';
import type { Picture } from '../pipeline/picture.ts';
import type { PaintedMesh } from '../pipeline/texture.ts';
import type { Thumbnail } from '../pipeline/thumbnail.ts';

/** Where surfaces are kept between requests, by geometry key; a store that fails costs time and does no other harm. */
export type SurfaceStore = {
  get(key: string, signal: AbortSignal): Promise<Uint8Array | null>;
  put(key: string, bytes: Uint8Array): Promise<void>;
};

/** One image on its way to a mesh, with all that it needs. */
export type MeshJob = Omit<FamilyJob<ModelManifest>, 'enter'> & {
  image: Uint8Array;
  /** `shared`, or the tenant whose private result this is. */
  scope: string;
  /** The model that finds the object in an opaque picture; null where there is none. */
  matting: ModelOf<MattingManifest> | null;
  geometry: SurfaceStore;
  /** Called when a stage begins, with the share of the work that is done. */
  onStage: (stage: Stage, progress: number) => void;
  /** Called with the mesh file as soon as it is made. */
  onAsset?: (asset: MadeFile) => void;
};

/** A finished mesh with what its making cost. */
export type MadeMesh = {
  asset: Asset;
  thumbnail: Thumbnail;
  provider: Provider;
  degraded: boolean;
  stagesMs: Record<PipelineStage, number>;
  /** Time that the accelerator spent; 0 when the geometry was reused. */
  gpuMs: number;
  reused: 'geometry' | null;
  /** Key under which the surface is kept; null when it is not. */
  geometryKey: string | null;
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
  const { id, digest } = job.model;
  const key = await geometryKey({ model: { id, digest }, pixelsSha256, params, scope: job.scope });
  const known = await recall(job, key);
  const made = known ?? (await makeGeometry(job, picture, clock.enter));

  clock.enter('texture');
  const painted = await kernels.run('finish', { geometry: made.geometry, params }, signal);
  clock.enter('encode');
  const [{ asset, thumbnail }] = await Promise.all([
    makeFiles(job, painted),
    known === null && !made.degraded ? keep(job, key, made) : null,
  ]);
  const { provider, degraded, gpuMs } = made;
  const kept = known !== null || !degraded;
  return {
    asset,
    thumbnail,
    provider,
    degraded,
    stagesMs: clock.stop(),
    gpuMs,
    reused: known && 'geometry',
    geometryKey: kept ? key : null,
  };
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

type StageClock = { enter: EnterStage; stop(): Record<PipelineStage, number> };

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

/**
 * The mesh file and its picture, one after the other although neither needs the other: the mesh is what takes longest to
 * send, and is on its way while the picture is drawn.
 */
async function makeFiles(
  { kernels, params, onAsset, signal }: MeshJob,
  painted: PaintedMesh,
): Promise<Pick<MadeMesh, 'asset' | 'thumbnail'>> {
  const asset = await kernels.run('encode', { painted, params }, signal);
  onAsset?.(asset);
  const thumbnail = await kernels.run('thumbnail', painted, signal);
  return { asset, thumbnail };
}

async function keep({ geometry, kernels, signal }: MeshJob, key: string, record: GeometryRecord): Promise<void> {
  const { provider } = record;
  const bytes = await kernels.run('writeRecord', { geometry: record.geometry, provider }, signal);
  await geometry.put(key, bytes).catch(() => undefined); // the mesh is made all the same
}

async function makeGeometry(job: MeshJob, picture: Picture, enter: EnterStage): Promise<MadeGeometry> {
  enter('matte');
  const { remove_background, foreground_ratio: foregroundRatio } = job.params;
  let matting = { gpuMs: 0, degraded: false };
  const findObject = async () => {
    if (matteSource(picture, remove_background) === 'alpha') return { prediction: null, foregroundRatio };
    const { alpha, ...cost } = await predictMatte({ ...job, model: requireMatting(job.matting) }, picture);
    matting = cost;
    return { prediction: alpha, foregroundRatio };
  };
  const made = await makeSurface({ ...job, enter }, { picture, findObject });
  return { ...made, gpuMs: made.gpuMs + matting.gpuMs, degraded: made.degraded || matting.degraded };
}

function requireMatting(matting: MeshJob['matting']): ModelOf<MattingManifest> {
  if (matting !== null) return matting;
  throw new Problem(
    'unprocessable_image',
    'The background of this picture would have to be removed, and this service has no model for that. ' +
      'Send a picture with a transparent background.',
    { param: 'image' },
  );
}
