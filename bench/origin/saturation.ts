import { setTimeout as sleep } from 'node:timers/promises';
import { modelsFolder, bisque } from '../../test/gpu-origin/support/send-job.ts';
import { cp } from 'node:fs/promises';
import { atLeast, atMost, type Findings } from '../harness/result.ts';
import { quantile } from '../harness/spread.ts';
import { writeFieldModel } from './field-model.ts';
import { startBenchOrigin, type BenchOrigin } from './origin.ts';

/** Inference of one job, and the convolutions by which its time is found. */
const jobMs = 200;
const layersToTry = 20;
const jobsToTry = 12;
const jobs = 60;
/** Jobs that end before the measured time begins: then a batch runs while the next forms. */
const jobsToWarm = 8;
const probeMs = 10;
/** Reading the metrics takes some milliseconds of the thread that is measured. */
const metricsEveryMs = 500;
const secondsMax = 240;

/** The lane's least share of wall time, and the most milliseconds within which 99% of probes must be answered. */
const busyShareMin = 0.85;
const livezMsMax = 50;

/**
 * How busy the compute lane is kept while geometry runs beside it, and how fast `/livez` answers meanwhile: with a model
 * whose inference is the heavy part, and with the default model, whose geometry is.
 */
export async function benchSaturation(): Promise<Findings> {
  const layers = await layersOfJob();
  const heavy = await measure((folder) => writeFieldModel(folder, { layers }));
  const own = await measure(async (folder) => {
    await cp(modelsFolder, folder, { recursive: true });
    return bisque;
  });
  return {
    rows: [
      { model: `field, ${layers} convolutions`, ...heavy },
      { model: `the default, ${bisque.id}`, ...own },
    ],
    bounds: [
      atLeast("the lane's busy share of wall time at saturation", heavy.busyShare, busyShareMin),
      atMost('/livez while inference saturates, 99th percentile, ms', heavy.livezP99Ms, livezMsMax),
    ],
  };
}

/** Convolutions that make a job's inference take about `jobMs` here, by the fastest of some jobs one after another. */
async function layersOfJob(): Promise<number> {
  const origin = await startBenchOrigin((folder) => writeFieldModel(folder, { layers: layersToTry }));
  try {
    const times: number[] = [];
    for (let done = 1; done <= jobsToTry; done++) {
      const before = await origin.metric('meshkiln_origin_lane_busy_seconds_total');
      await (await origin.send()).answer.arrayBuffer();
      await origin.until(() => origin.peer.results.size === done, secondsMax);
      times.push(1000 * ((await origin.metric('meshkiln_origin_lane_busy_seconds_total')) - before));
    }
    return Math.round((layersToTry * jobMs) / Math.min(...times));
  } finally {
    await origin.close();
  }
}

async function measure(write: Parameters<typeof startBenchOrigin>[0]) {
  const origin = await startBenchOrigin(write);
  let probes: ReturnType<typeof probe> | null = null;
  try {
    for (let i = 0; i < jobs; i++) {
      const { answer } = await origin.send();
      if (answer.status !== 202) throw new Error(`a job was answered ${answer.status}: ${await answer.text()}`);
    }
    await origin.until(() => origin.peer.results.size >= jobsToWarm, secondsMax);
    probes = probe(origin);
    const before = await usage(origin);
    // Until the queue is empty: afterwards there is not work enough to keep the lane busy.
    while ((await origin.metric('meshkiln_origin_queue_depth')) > 0) await sleep(metricsEveryMs);
    const after = await usage(origin);
    const latenciesMs = await probes.stop();
    const wallSeconds = (after.atMs - before.atMs) / 1000;
    const done = after.done - before.done;
    return {
      busyShare: (after.busySeconds - before.busySeconds) / wallSeconds,
      jobsASecond: done / wallSeconds,
      laneMsOfJob: (1000 * (after.busySeconds - before.busySeconds)) / done,
      livezP50Ms: quantile(latenciesMs, 0.5),
      livezP99Ms: quantile(latenciesMs, 0.99),
      probes: latenciesMs.length,
    };
  } finally {
    await probes?.stop().catch(() => undefined);
    await origin.close();
  }
}

async function usage(origin: BenchOrigin) {
  const busySeconds = await origin.metric('meshkiln_origin_lane_busy_seconds_total');
  return { busySeconds, done: origin.peer.results.size, atMs: performance.now() };
}

/** Asks for `/livez` every few milliseconds, whether the one before was answered or not. */
function probe({ url }: BenchOrigin) {
  const asked: Promise<number | Error>[] = [];
  const stopped = new AbortController();
  const ask = async () => {
    const startMs = performance.now();
    const answer = await fetch(`${url}/livez`);
    await answer.arrayBuffer();
    if (!answer.ok) throw new Error(`/livez was answered ${answer.status}`);
    return performance.now() - startMs;
  };
  const asking = (async () => {
    while (!stopped.signal.aborted) {
      asked.push(ask().catch((error: Error) => error)); // looked at in the end
      await sleep(probeMs);
    }
  })();
  return {
    stop: async () => {
      stopped.abort();
      await asking;
      const answers = await Promise.all(asked);
      const failed = answers.find((answer) => answer instanceof Error);
      if (failed !== undefined) throw failed;
      return Float64Array.from(answers as number[]).toSorted();
    },
  };
}
