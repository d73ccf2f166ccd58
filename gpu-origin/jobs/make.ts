import { JobFailure } from '../../contract/job.ts';
import type { Stage, Timings } from '../../contract/mesh.ts';
import { Problem } from '../../contract/problem.ts';
import { GpuProcessEnded } from '../compute/gpu-child.ts';
import { sameContent, type AskServer, type Infer, type ModelContent, type ModelOf } from '../families/family.ts';
import type { MattingManifest } from '../families/matting.ts';
import { causeText, log } from '../log.ts';
import type { OriginSeries } from '../metrics/series.ts';
import { notServed } from '../models/not-served.ts';
import type { StoredModel } from '../models/repository.ts';
import type { KernelPool } from '../pipeline/kernel-pool.ts';
import { ModelFault } from '../pipeline/model-fault.ts';
import type { CallEdge } from '../write-back/edge-client.ts';
import type { TextToImage } from '../text-to-image/text-to-image.ts';
import { createProgress } from '../write-back/progress.ts';
import type { Outcome } from '../write-back/outcome.ts';
import type { JobBlob } from '../write-back/send-result.ts';
import { imageOfJob, type Drawn } from '../making/job-image.ts';
import { jobSurfaces, type ForgettingStore } from '../making/job-surfaces.ts';
import { keepAnswer, keepRuns } from '../making/kept-runs.ts';
import { makeMesh } from '../making/make-mesh.ts';
import type { LiveJob } from './live-job.ts';
import { completedResult, failedResult, type Finished } from './result.ts';

type MakeOptions = {
  /** The models of the repository. */
  models: () => readonly StoredModel[];
  /** Runs graphs for a job that began at a time in milliseconds since the epoch. */
  inferFor: (jobBegunMs: number) => Infer;
  askServer: AskServer;
  /** What draws prompts; null where prompts are not taken. */
  textToImage: TextToImage | null;
  /** Folder for what this job's runs gave. */
  runsFolder: (key: string) => string;
  kernels: KernelPool;
  geometry: ForgettingStore;
  callEdge: CallEdge;
  /** Begins to upload a blob before its result is made; null where that must wait. */
  sendAhead: (blob: JobBlob, bytes: Uint8Array) => Promise<Outcome> | null;
  series: OriginSeries;
  jobSecondsMax: number;
  /** Drops a job that nobody waits for. */
  withdraw: (key: string, fence: number) => void;
};

/**
 * Makes the mesh of a job. A job that fails gives a failed result: the image's own fault under its own code, anything else
 * as internal_error with what may be said of it. Rejects only when the job has ended. A cancelled job whose mesh file is
 * being uploaded still gives its result, which the edge refuses, removing the file.
 */
export async function makeJob(job: LiveJob, body: Uint8Array, options: MakeOptions): Promise<Finished> {
  const { key, model: wanted, params, scope } = job.job;
  const { models, inferFor, askServer, runsFolder, kernels, callEdge, series, jobSecondsMax, withdraw, textToImage } =
    options;
  const startedAtMs = Date.now();
  const geometry = jobSurfaces(options.geometry);
  const deadline = AbortSignal.timeout(jobSecondsMax * 1000);
  const progress = createProgress({
    key,
    callEdge,
    onFailure: () => series.progressFailures.inc(),
    onGone: (fence) => withdraw(key, fence),
  });
  const signal = AbortSignal.any([job.signal, deadline]);
  const tell = (stage: Stage, share: number) => progress.tell({ fence: job.job.fence, stage, progress: share });
  let upload: Promise<Outcome> | null = null;
  let drawn: Drawn | null = null;
  try {
    const find = (content: ModelContent) => models().find((each) => sameContent(each, content));
    const model = find(wanted);
    if (model === undefined) throw notServed(wanted.id);
    const { matting } = model.manifest;
    if (job.job.textToImageModel !== undefined) tell('decode', 0);
    const image = await imageOfJob(job.job, body, { textToImage, geometry, folder: runsFolder(key), signal });
    ({ drawn } = image);
    const made = await makeMesh({
      image: image.bytes,
      params,
      scope,
      model,
      matting: matting === undefined ? null : mattingModelIn(models(), { id: matting.model, digest: matting.digest }),
      infer: keepRuns(inferFor(startedAtMs), runsFolder(key)),
      askServer: keepAnswer(askServer, runsFolder(key)),
      kernels,
      geometry,
      onStage: tell,
      onAsset: ({ bytes, sha256, mediaType }) => {
        // The result will say more within moments, and must not wait behind a message.
        progress.end();
        if (job.state.at === 'ended') return;
        upload = options.sendAhead({ key, scope, sha256, mediaType }, bytes);
        job.uploading(upload);
      },
      signal,
    });
    // Only now: a picture of which no mesh can be made must not stand for its prompt.
    if (drawn !== null) await geometry.put(drawn.source.pictureKey, image.bytes);
    const times = { acceptedAtMs: job.acceptedAtMs, startedAtMs, finishedAtMs: Date.now() };
    const finished = completedResult(job.job, { made, upload, drawn }, times);
    if (finished.result.outcome === 'completed') observeStages(finished.result.manifest.timingsMs, series);
    return finished;
  } catch (error) {
    if (job.state.at === 'ended') throw error;
    const cause = deadline.aborted ? new Problem('internal_error', `It took more than ${jobSecondsMax} s.`) : error;
    log('job failed', { key, cause: causeText(cause) });
    if (cause instanceof ModelFault) series.modelFaults.inc({ model: cause.model });
    // No mesh names its surface, so no purge would find it.
    await geometry.takeBack();
    return failedResult(job.job, failureOf(cause, drawn));
  } finally {
    progress.end();
    // Nobody wants the mesh, and its picture may have to go.
    if (job.cancelled) await geometry.takeBack();
  }
}

/** The matting model of this content; null when it is not in the repository. */
function mattingModelIn(models: readonly StoredModel[], content: ModelContent): ModelOf<MattingManifest> | null {
  const model = models.find((each) => sameContent(each, content));
  if (model?.manifest.family !== 'matting') return null;
  return { ...content, manifest: model.manifest };
}

function observeStages(timingsMs: Timings, series: OriginSeries): void {
  for (const [stage, ms] of Object.entries(timingsMs)) {
    if (stage !== 'total' && ms !== undefined) series.stageSeconds.observe({ stage }, ms / 1000);
  }
}

function failureOf(error: unknown, drawn: Drawn | null): JobFailure {
  const how =
    error instanceof GpuProcessEnded ? `: twice its GPU process ${error.how}` : ', through a fault at the origin';
  const internal = { code: 'internal_error' as const, message: `The mesh could not be made${how}.` };
  if (!(error instanceof Problem)) return internal;
  // Whoever sent a prompt did not send this file.
  if (drawn !== null && (error.code === 'invalid_image' || error.code === 'image_too_many_pixels')) {
    return { code: 'upstream_failed', message: 'The picture that was drawn of the prompt is damaged.' };
  }
  const own = JobFailure.safeParse({ code: error.code, message: error.message.slice(0, 500) });
  return own.success ? own.data : internal;
}
