import type { Report } from '../../contract/report.ts';
import type { GpuPool } from '../compute/gpu-pool.ts';
import type { Admission } from '../jobs/admission.ts';
import type { JobQueue } from '../jobs/queue.ts';
import { totalOf, type OriginSeries } from '../metrics/series.ts';
import type { Models } from '../models/models.ts';
import { describeModel } from '../models/repository.ts';
import type { TextToImage } from '../text-to-image/text-to-image.ts';
import type { Outbox } from '../write-back/outbox.ts';
import { readGpus } from './nvidia-smi.ts';

/** Most models that a report names, as the contract has it. */
const modelsMax = 100;

type SnapshotParts = {
  url: string;
  startedAtSeconds: number;
  admission: Admission;
  models: Models;
  textToImage: TextToImage | null;
  queue: JobQueue;
  pool: GpuPool;
  outbox: Outbox;
  series: OriginSeries;
};

/** What the edge is told of this origin at this moment. */
export async function snapshot({ url, startedAtSeconds, ...parts }: SnapshotParts): Promise<Report> {
  const { admission, models, textToImage, queue, pool, outbox, series } = parts;
  const served = models.served.slice(0, modelsMax);
  const jobs = (outcome: string) => totalOf(series.jobs, { outcome });
  return {
    url,
    startedAtSeconds,
    state: admission.state(),
    models: served.map(describeModel),
    ...(textToImage !== null && { textToImageModel: textToImage.model }),
    queue: { depth: queue.depth, capacity: queue.capacity },
    lanes: pool.lanes.map(({ device, provider, state, busyMs, restarts }) => ({
      device: String(device),
      provider,
      state,
      busySeconds: busyMs / 1000,
      restarts,
    })),
    // A card that this origin does not compute on is none of its figures.
    gpus: pool.lanes.some(({ provider }) => provider === 'cuda') ? ((await readGpus()) ?? []) : [],
    residentBytes: process.memoryUsage.rss() + pool.lanes.reduce((sum, lane) => sum + lane.residentBytes, 0),
    outbox: { entries: outbox.entries.size, bytes: outbox.bytes },
    jobs: {
      accepted: await jobs('accepted'),
      completed: await jobs('completed'),
      failed: await jobs('failed'),
      refused: await jobs('refused'),
      cancelled: await jobs('cancelled'),
    },
    gpuRuns: Object.fromEntries(
      await Promise.all(served.map(async ({ id }) => [id, await totalOf(series.gpuRuns, { model: id })] as const)),
    ),
  };
}
