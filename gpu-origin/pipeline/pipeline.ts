import { geometryKey } from '../../contract/key.ts';
import type { Provider } from '../../contract/mesh.ts';
import { Problem } from '../../contract/problem.ts';
import type { Asset } from './encode.ts';
import type { GeometryRecord } from './geometry-record.ts';
import { geometryFromServer } from './http-mesh.ts';
import { modelId, type EnterStage, type GraphJob, type MadeGeometry } from './job.ts';
import type { MeshJob, PipelineStage } from './job.ts';
import type { PictureToCut } from './kernels.ts';
import { matteSource } from './matte.ts';
import type { Picture } from './picture.ts';
import { output, type Tensor } from './tensor.ts';
import type { PaintedMesh } from './texture.ts';
import type { Thumbnail } from './thumbnail.ts';
import { geometryFromField } from './triplane-field.ts';
import { geometryFromDepth } from './two-sided-depth.ts';

export type { AskServer, GeometryStore, Infer, MeshJob, PipelineModel } from './job.ts';

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
  const model = { id: modelId(job.model), digest: job.model.digest };
  const key = await geometryKey({ model, pixelsSha256, params, scope: job.scope });
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
  const { manifest, digest } = job.model;
  const { remove_background, foreground_ratio: foregroundRatio } = job.params;
  const isServer = manifest.family === 'http-mesh';
  if (isServer && manifest.server.removes_background && matteSource(picture, remove_background) === 'model') {
    return geometryFromServer(job, { picture, cut: null }, enter);
  }
  const matting = await predictMatte(job, picture);
  const cut = { prediction: matting && matting.alpha, foregroundRatio };
  const made = isServer
    ? await geometryFromServer(job, { picture, cut }, enter)
    : await runGraphs({ ...job, model: { manifest, digest } }, { picture, ...cut }, enter);
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

/** Each family of graphs has its own way from a picture to a surface. */
async function runGraphs(job: GraphJob, cut: PictureToCut, enter: EnterStage): Promise<MadeGeometry> {
  const { family, preprocessing } = job.model.manifest;
  const prepared = await job.kernels.run('prepare', { ...cut, preprocessing }, job.signal);
  if (family === 'two-sided-depth') return geometryFromDepth(job, prepared, enter);
  if (family === 'triplane-field') return geometryFromField(job, prepared, enter);
  throw new Error(`model ${modelId(job.model)} is of family ${family}, which makes no meshes here`);
}
