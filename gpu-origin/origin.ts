import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Hono } from 'hono';
import { Registry } from 'prom-client';
import { surfaceKeysOf } from '../contract/mesh.ts';
import { GpuPool } from './compute/gpu-pool.ts';
import type { Config } from './config.ts';
import { Admission } from './jobs/admission.ts';
import { handBack } from './jobs/hand-back.ts';
import { Intake } from './jobs/intake.ts';
import type { LiveJob } from './jobs/live-job.ts';
import { makeJob } from './jobs/make.ts';
import { needsOfJob } from './jobs/needs.ts';
import { Pace } from './jobs/pace.ts';
import { JobQueue } from './jobs/queue.ts';
import { Runner } from './jobs/runner.ts';
import { Shares } from './jobs/shares.ts';
import { Spool } from './jobs/spool.ts';
import type { Infer } from './families/family.ts';
import { causeText, log } from './log.ts';
import { registerGauges } from './report/gauges.ts';
import { originSeries, type OriginSeries } from './metrics/series.ts';
import { MeshServers } from './mesh-server/mesh-servers.ts';
import { Models } from './models/models.ts';
import { createKernelPool } from './pipeline/kernel-pool.ts';
import { Reporter } from './report/reporter.ts';
import { snapshot } from './report/snapshot.ts';
import { createApp } from './server/app.ts';
import { listen } from './server/listen.ts';
import { Nonces } from './server/nonces.ts';
import { TextToImage } from './text-to-image/text-to-image.ts';
import { Delivery } from './write-back/delivery.ts';
import { createEdgeClient, type CallEdge } from './write-back/edge-client.ts';
import { GeometryStore } from './write-back/geometry-store.ts';
import { Outbox } from './write-back/outbox.ts';
import type { Shipment } from './write-back/shipment.ts';
import type { JobBlob } from './write-back/send-result.ts';
import { RemovalFollower } from './write-back/removal-follower.ts';

/** Time for the outbox to empty when the origin stops, and then for surfaces; what is left stays on disk. */
const flushSecondsMax = 10;

/** A running origin. `stop` finishes or spools what runs, empties the outbox within a bound and closes everything. */
export type Origin = { port: number; stop: () => Promise<void> };

/** Starts an origin; resolves when its models are loaded and it takes jobs. Rejects when its port or state is no good. */
export async function startOrigin(config: Config): Promise<Origin> {
  const parts = createParts(config);
  const nonces = new Nonces(join(config.state, 'nonces'));
  const { outbox, intake, geometry, removals, delivery, models, runner, reporter, admission, live } = parts;
  await mkdir(config.state, { recursive: true, mode: 0o700 });
  await nonces.recover();
  await outbox.recover();
  await intake.recover();
  await geometry.recover();
  await removals.recover();
  const server = await listen(appOf(config, { ...parts, nonces }), config);
  log('listening', { host: config.host, port: server.port, origin: config.id });
  delivery.kick();
  await models.reload();
  for (const { device, refusals, errorText } of parts.pool.lanes) {
    for (const { provider, cause } of refusals) log('provider refused', { device, provider, cause, said: errorText });
  }
  runner.start();
  reporter.now();
  log('ready', { models: models.served.map(({ id }) => id).join(' ') });

  const stop = async () => {
    admission.drain();
    log('draining', { active: runner.active });
    reporter.now();
    const waiting = [...live.values()].filter(({ state }) => state.at === 'accepted');
    // What runs is finished meanwhile; what cannot be finished in time goes back after it.
    await Promise.all([runner.drain(config.drainSecondsMax), handBack(waiting, parts)]);
    await handBack(
      [...live.values()].filter((job) => !waiting.includes(job)),
      parts,
    );
    await delivery.flush(flushSecondsMax);
    await geometry.flush(flushSecondsMax);
    await reporter.stop();
    await server.close();
    parts.pool.close();
    await parts.kernels.close();
    await Promise.all([parts.edge.close(), parts.textToImage?.close(), parts.servers.close()]);
    log('stopped', { outbox: outbox.entries.size });
  };
  return { port: server.port, stop };
}

function appOf(
  config: Config,
  { registry, nonces, intake, admission, models, reporter }: ReturnType<typeof createParts> & { nonces: Nonces },
): Hono {
  return createApp({
    id: config.id,
    secrets: config.secrets,
    nonces,
    intake,
    registry,
    metricsToken: config.metricsToken,
    metricsOpen: ['127.0.0.1', '::1', 'localhost'].includes(config.host),
    unreadiness: () => admission.unreadiness(),
    reloadModels: () => models.reload().finally(() => reporter.now()),
  });
}

function createParts(config: Config) {
  const registry = new Registry();
  const series = originSeries(registry);
  const edge = createEdgeClient(config.edgeUrl, { originId: config.id, secret: config.secret });
  const callEdge = edge.call;
  const state = (name: string) => join(config.state, name);
  const geometry = new GeometryStore({ folder: state('geometry'), bytesMax: config.geometryCacheBytesMax, callEdge });
  const outbox = new Outbox({
    folder: state('outbox'),
    bytesMax: config.outboxBytesMax,
    onDropped: async (entry) => void (await geometry.forget(surfacesOf(entry))),
  });
  const removals = new RemovalFollower({ file: state('removals'), geometry, callEdge });
  const queue = new JobQueue({ capacity: config.queueCapacity, now: Date.now });
  const pace = new Pace({ queueCapacity: config.queueCapacity, now: Date.now });
  const jobParts = { live: new Map<string, LiveJob>(), queue, pace, spool: new Spool(state('spool')), outbox, series };
  const means = createMeans(config, series, () => reporter.now());
  const { models, pool, textToImage } = means;
  const admission = new Admission({
    outbox,
    stateFolder: config.state,
    freeBytesMin: config.stateFreeBytesMin,
    notReady: () => models.unreadiness,
  });
  const withdraw = (key: string, fence: number) => {
    intake.cancel(key, fence).catch((error: unknown) => log('job not withdrawn', { key, cause: causeText(error) }));
  };
  const sendAhead = (blob: JobBlob, bytes: Uint8Array) => delivery.sendAhead(blob, bytes);
  const runsFolder = (key: string) => jobParts.spool.runs(key);
  const shares = createShares(config, models);
  const runner = new Runner({
    ...jobParts,
    activeMax: config.jobsActiveMax,
    shares,
    withdraw,
    make: createMake({ config, ...means, geometry, callEdge, sendAhead, series, withdraw, runsFolder }),
    sendAtOnce: (shipment) => delivery.sendAtOnce(shipment),
    onFinished: () => delivery.kick(),
  });
  const delivery: Delivery = new Delivery({
    outbox,
    callEdge,
    onGone: (outcome, entry) => {
      series.results.inc({ outcome });
      runner.kick();
      // Only now, as somebody waited for the mesh and nobody waits for these.
      if (outcome === 'delivered') geometry.send(surfacesOf(entry));
    },
  });
  const intake: Intake = new Intake({
    ...jobParts,
    serves: ({ model, textToImageModel }) =>
      models.makes(model) && (textToImageModel === undefined || textToImageModel === textToImage?.model),
    refusal: () => admission.refusal(),
    onQueued: () => runner.kick(),
  });
  const reporter: Reporter = createReporter({
    config,
    callEdge,
    admission,
    delivery,
    removals,
    ...jobParts,
    ...means,
  });
  registerGauges(registry, { queue, runner, shares, pool, outbox, geometry, admission });
  const own = { registry, intake, geometry, removals, delivery, runner, reporter, admission, edge, callEdge };
  return { ...own, ...jobParts, ...means };
}

function createShares({ jobsOutsideMax: outsideMax, fieldBytesMax }: Config, models: Models): Shares {
  return new Shares({ needsOf: ({ job }) => needsOfJob(job, models.stored), outsideMax, fieldBytesMax });
}

/** Keys of the surfaces that a result names. */
function surfacesOf({ result }: Shipment): readonly string[] {
  return result.outcome === 'completed' ? surfaceKeysOf(result.manifest) : [];
}

/** What meshes are made with. */
function createMeans(config: Config, series: OriginSeries, onChange: () => void) {
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

type MakeParts = Omit<Parameters<typeof makeJob>[2], 'models' | 'inferFor' | 'askServer' | 'jobSecondsMax'> & {
  config: Config;
  models: Models;
  pool: GpuPool;
  servers: MeshServers;
};

function createMake({ config, models, pool, servers, ...parts }: MakeParts) {
  const { jobSecondsMax } = config;
  const inferFor =
    (jobBegunMs: number): Infer =>
    (run) =>
      pool.infer({ ...run, jobBegunMs });
  return (job: LiveJob, image: Uint8Array) =>
    makeJob(job, image, { ...parts, models: () => models.stored, inferFor, askServer: servers.ask, jobSecondsMax });
}

type ReporterParts = Omit<Parameters<typeof snapshot>[0], 'url' | 'startedAtSeconds'> & {
  config: Config;
  callEdge: CallEdge;
  delivery: Delivery;
  removals: RemovalFollower;
};

function createReporter({ config, callEdge, delivery, removals, ...parts }: ReporterParts): Reporter {
  const startedAtSeconds = Math.floor(Date.now() / 1000);
  return new Reporter({
    callEdge,
    read: () => snapshot({ url: config.url, startedAtSeconds, ...parts }),
    onTaken: (answer) => void removals.follow(answer),
    onReached: () => delivery.retryNow(),
  });
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
