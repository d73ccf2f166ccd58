import { join } from 'node:path';
import { Registry } from 'prom-client';
import { surfaceKeysOf } from '../contract/mesh.ts';
import { GpuPool } from './compute/gpu-pool.ts';
import type { Config } from './config.ts';
import { Admission } from './jobs/admission.ts';
import { Intake } from './jobs/intake.ts';
import type { LiveJob } from './jobs/live-job.ts';
import { makeJob } from './jobs/make.ts';
import { needsOfJob } from './jobs/needs.ts';
import { Pace } from './jobs/pace.ts';
import { JobQueue } from './jobs/queue.ts';
import { Runner } from './jobs/runner.ts';
import { Shares } from './jobs/shares.ts';
import { Spool } from './jobs/spool.ts';
import { causeText, log } from './log.ts';
import { MeshServers } from './mesh-server/mesh-servers.ts';
import { originSeries, type OriginSeries } from './metrics/series.ts';
import { Models } from './models/models.ts';
import { createNotice, type Notice } from './notice.ts';
import { createKernelPool } from './pipeline/kernel-pool.ts';
import { registerGauges } from './report/gauges.ts';
import { Reporter } from './report/reporter.ts';
import { snapshot } from './report/snapshot.ts';
import { TextToImage } from './text-to-image/text-to-image.ts';
import { Delivery } from './write-back/delivery.ts';
import { createEdgeClient, type CallEdge } from './write-back/edge-client.ts';
import { GeometryStore } from './write-back/geometry-store.ts';
import { Outbox } from './write-back/outbox.ts';
import { RemovalFollower } from './write-back/removal-follower.ts';
import type { Shipment } from './write-back/shipment.ts';

/** The parts of an origin, wired to each other; nothing has been read from disk and nothing runs yet. */
export type Parts = ReturnType<typeof createParts>;

/** Makes the parts of an origin, each from those before it. A notice reaches a part that is made later. */
export function createParts(config: Config) {
  const registry = new Registry();
  const series = originSeries(registry);
  const edge = createEdgeClient(config.edgeUrl, { originId: config.id, secret: config.secret });
  const base = { config, series, callEdge: edge.call, notices: createNotices() };

  const stores = createStores(base);
  const means = createMeans(base);
  const admission = createAdmission(config, { ...stores, ...means });
  const delivery = createDelivery(base, stores);
  const waiting = createWaiting(config);
  const running = createRunning(base, { ...stores, ...means, ...waiting, delivery });
  const intake = createIntake(base, { ...stores, ...means, ...waiting, admission });
  const reporter = createReporter(base, { ...stores, ...means, ...waiting, admission, delivery });

  const { changed, canRun, unwanted } = base.notices;
  changed.hear(() => reporter.now());
  canRun.hear(() => running.runner.kick());
  unwanted.hear((key, fence) => {
    intake.cancel(key, fence).catch((error: unknown) => log('job not withdrawn', { key, cause: causeText(error) }));
  });
  registerGauges(registry, { ...stores, ...means, ...waiting, ...running, admission });
  const own = { registry, series, edge, callEdge: edge.call, admission, delivery, intake, reporter };
  return { ...stores, ...means, ...waiting, ...running, ...own };
}

type Base = {
  config: Config;
  series: OriginSeries;
  callEdge: CallEdge;
  notices: ReturnType<typeof createNotices>;
};

function createNotices() {
  const unwanted: Notice<[key: string, fence: number]> = createNotice();
  return {
    /** What is reported to the edge has changed. */
    changed: createNotice(),
    /** A job was queued, or the outbox has room again. */
    canRun: createNotice(),
    /** Nobody waits any more for a job as it was given with this fence. */
    unwanted,
  };
}

type Stores = ReturnType<typeof createStores>;

/** What is kept on disk for the edge. */
function createStores({ config, callEdge }: Base) {
  const state = (name: string) => join(config.state, name);
  const geometry = new GeometryStore({ folder: state('geometry'), bytesMax: config.geometryCacheBytesMax, callEdge });
  const outbox = new Outbox({
    folder: state('outbox'),
    bytesMax: config.outboxBytesMax,
    onDropped: async (shipment) => void (await geometry.forget(surfacesOf(shipment))),
  });
  return { geometry, outbox, removals: new RemovalFollower({ file: state('removals'), geometry, callEdge }) };
}

/** Keys of the surfaces that a result names. */
function surfacesOf({ result }: Shipment): readonly string[] {
  return result.outcome === 'completed' ? surfaceKeysOf(result.manifest) : [];
}

type Means = ReturnType<typeof createMeans>;

/** What meshes are made with. */
function createMeans({ config, series, notices }: Base) {
  const onChange = notices.changed.tell;
  const pool = createPool(config, series, onChange);
  const servers = new MeshServers({ onChange, onAnswer: ({ model }) => series.gpuRuns.inc({ model }) });
  return {
    pool,
    servers,
    models: new Models({ folder: config.modelsFolder, pool, servers }),
    kernels: createKernelPool({ threads: config.kernelThreads, limits: config.kernelLimits }),
    textToImage: config.textToImage && new TextToImage(config.textToImage),
  };
}

function createPool(config: Config, series: OriginSeries, onChange: () => void): GpuPool {
  return new GpuPool({
    devices: config.devices,
    providers: config.providers,
    threads: config.inferenceThreads,
    runSecondsMax: config.runSecondsMax,
    growthBytesMax: config.laneGrowthBytesMax,
    onChange,
    onBatch: ({ model, graph, device, rows, ms }) => {
      series.gpuRuns.inc({ model });
      series.runSeconds.observe({ model, graph, device: String(device) }, ms / 1000);
      series.batchRows.observe({ model, graph }, rows);
    },
  });
}

function createAdmission(config: Config, { outbox, models }: Pick<Stores & Means, 'outbox' | 'models'>): Admission {
  return new Admission({
    outbox,
    stateFolder: config.state,
    freeBytesMin: config.stateFreeBytesMin,
    notReady: () => models.unreadiness,
  });
}

function createDelivery({ callEdge, series, notices }: Base, { outbox, geometry }: Stores): Delivery {
  return new Delivery({
    outbox,
    callEdge,
    onGone: (outcome, shipment) => {
      series.results.inc({ outcome });
      notices.canRun.tell();
      // Only now: somebody waited for the mesh, and nobody waits for its surfaces.
      if (outcome === 'delivered') geometry.send(surfacesOf(shipment));
    },
  });
}

type Waiting = ReturnType<typeof createWaiting>;

/** The jobs that were accepted. */
function createWaiting({ queueCapacity, state }: Config) {
  return {
    live: new Map<string, LiveJob>(),
    queue: new JobQueue({ capacity: queueCapacity, now: Date.now }),
    pace: new Pace({ queueCapacity, now: Date.now }),
    spool: new Spool(join(state, 'spool')),
  };
}

/** What makes the jobs' meshes, and how many at once. */
function createRunning(base: Base, parts: Stores & Means & Waiting & { delivery: Delivery }) {
  const { config, series, notices } = base;
  const { live, queue, pace, spool, outbox, models, delivery } = parts;
  const shares = new Shares({
    needsOf: ({ job }) => needsOfJob(job, models.stored),
    outsideMax: config.jobsOutsideMax,
    fieldBytesMax: config.fieldBytesMax,
  });
  const runner = new Runner({
    live,
    queue,
    pace,
    spool,
    outbox,
    series,
    shares,
    activeMax: config.jobsActiveMax,
    withdraw: notices.unwanted.tell,
    make: createMake(base, parts),
    sendAtOnce: (shipment) => delivery.sendAtOnce(shipment),
    onFinished: () => delivery.kick(),
  });
  return { shares, runner };
}

function createMake(
  { config, series, callEdge, notices }: Base,
  {
    models,
    pool,
    servers,
    kernels,
    textToImage,
    geometry,
    spool,
    delivery,
  }: Means & Pick<Stores, 'geometry'> & Pick<Waiting, 'spool'> & { delivery: Delivery },
) {
  const options: Parameters<typeof makeJob>[2] = {
    models: () => models.stored,
    inferFor: (jobBegunMs) => (run) => pool.infer({ ...run, jobBegunMs }),
    askServer: servers.ask,
    textToImage,
    runsFolder: (key) => spool.runs(key),
    kernels,
    geometry,
    callEdge,
    sendAhead: (blob, bytes) => delivery.sendAhead(blob, bytes),
    series,
    jobSecondsMax: config.jobSecondsMax,
    withdraw: notices.unwanted.tell,
  };
  return (job: LiveJob, image: Uint8Array) => makeJob(job, image, options);
}

function createIntake(
  { series, notices }: Base,
  parts: Waiting & Pick<Stores & Means, 'outbox' | 'models' | 'textToImage'> & { admission: Admission },
): Intake {
  const { live, queue, pace, spool, outbox, models, textToImage, admission } = parts;
  return new Intake({
    live,
    queue,
    pace,
    spool,
    outbox,
    series,
    serves: ({ model, textToImageModel }) =>
      models.makes(model) && (textToImageModel === undefined || textToImageModel === textToImage?.model),
    refusal: () => admission.refusal(),
    onQueued: notices.canRun.tell,
  });
}

function createReporter(
  { config, series, callEdge }: Base,
  parts: Stores & Means & Waiting & { admission: Admission; delivery: Delivery },
): Reporter {
  const { delivery, removals } = parts;
  const startedAtSeconds = Math.floor(Date.now() / 1000);
  return new Reporter({
    callEdge,
    read: () => snapshot({ url: config.url, startedAtSeconds, series, ...parts }),
    onTaken: (answer) => void removals.follow(answer),
    onReached: () => delivery.retryNow(),
  });
}
