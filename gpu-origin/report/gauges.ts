import { collectDefaultMetrics, Counter, Gauge, type Registry } from 'prom-client';
import type { GpuPool } from '../compute/gpu-pool.ts';
import type { Admission } from '../jobs/admission.ts';
import type { JobQueue } from '../jobs/queue.ts';
import type { Runner } from '../jobs/runner.ts';
import type { Shares } from '../jobs/shares.ts';
import { readGpus } from './nvidia-smi.ts';
import type { GeometryStore } from '../write-back/geometry-store.ts';
import type { Outbox } from '../write-back/outbox.ts';

type Parts = {
  queue: JobQueue;
  runner: Runner;
  shares: Shares;
  pool: GpuPool;
  outbox: Outbox;
  geometry: GeometryStore;
  admission: Admission;
};

type Sample = { labels: Record<string, string>; value: number };
type Samples = () => Sample[] | Promise<Sample[]>;

const laneLabels = ['device', 'provider'];
const gpuLabels = ['gpu', 'name'];

/** Registers what is read when the metrics are scraped: the origin's parts, its cards, and Node's own figures. */
export function registerGauges(registry: Registry, parts: Parts): void {
  const { queue, runner, shares, pool, outbox, geometry, admission } = parts;
  const gauge = (name: string, help: string, labelNames: string[], samples: Samples) =>
    registry.registerMetric(
      new Gauge({
        name: `meshkiln_origin_${name}`,
        help,
        labelNames,
        registers: [],
        async collect() {
          this.reset();
          for (const { labels, value } of await samples()) this.set(labels, value);
        },
      }),
    );
  const one = (name: string, help: string, value: () => number) =>
    gauge(name, help, [], () => [{ labels: {}, value: value() }]);

  one('queue_depth', 'Jobs that wait.', () => queue.depth);
  one('queue_capacity', 'Jobs that may wait.', () => queue.capacity);
  one('jobs_active', 'Jobs in progress.', () => runner.active);
  one('jobs_outside', 'Jobs in progress that may wait for an image API or a mesh server.', () => shares.outside);
  one('field_bytes', 'Memory that the fields of jobs in progress may take.', () => shares.fieldBytes);
  one('runs_waiting', 'Runs that wait for a device.', () => pool.depth);
  one('outbox_entries', 'Results not yet at the edge.', () => outbox.entries.size);
  one('outbox_bytes', 'Bytes of those results.', () => outbox.bytes);
  one('geometry_bytes', 'Bytes of cached surfaces.', () => geometry.bytes);
  one('draining', '1 while the origin is going to end.', () => Number(admission.draining));
  one('resident_bytes', 'Resident memory of the origin itself.', () => process.memoryUsage.rss());
  gauge('batch_limit', 'Rows up to which batches are formed.', ['model', 'graph'], () =>
    pool.batchLimits.map(({ model, graph, limit }) => ({ labels: { model, graph }, value: limit })),
  );
  gauge('lane_resident_bytes', 'Resident memory of a GPU process.', laneLabels, () =>
    perLane(pool, (lane) => lane.residentBytes),
  );
  gauge('lane_ready', '1 while a GPU process can take work.', laneLabels, () =>
    perLane(pool, (lane) => Number(lane.state === 'ready')),
  );
  gauge('lane_running', '1 while a GPU process runs a graph.', laneLabels, () =>
    perLane(pool, (lane) => Number(lane.running)),
  );
  const goldenHelp = 'Largest relative error of a golden output when the model was loaded.';
  gauge('golden_error', goldenHelp, [...laneLabels, 'model'], () => pool.lanes.flatMap(goldenErrors));
  registerCards(gauge, pool);
  registerLaneTotals(registry, pool);
  collectDefaultMetrics({ register: registry });
}

/** What nvidia-smi says of the cards; nothing where no lane computes on one. How busy and how full are two things. */
function registerCards(
  gauge: (name: string, help: string, labelNames: string[], samples: Samples) => void,
  pool: GpuPool,
): void {
  const perCard = (value: (card: NonNullable<Awaited<ReturnType<typeof readGpus>>>[number]) => number) => async () => {
    const cards = pool.lanes.some(({ provider }) => provider === 'cuda') ? ((await readGpus()) ?? []) : [];
    return cards.map((card, i) => ({ labels: { gpu: String(i), name: card.name }, value: value(card) }));
  };
  const share = 'Share of the last moments in which the card computed, 0 to 1.';
  gauge(
    'gpu_utilisation_ratio',
    share,
    gpuLabels,
    perCard((card) => card.utilisation),
  );
  gauge(
    'gpu_memory_used_bytes',
    'Memory in use on the card.',
    gpuLabels,
    perCard((card) => card.memoryUsedBytes),
  );
  gauge(
    'gpu_memory_total_bytes',
    'Memory of the card.',
    gpuLabels,
    perCard((card) => card.memoryTotalBytes),
  );
  gauge(
    'gpu_temperature_celsius',
    'Temperature of the card.',
    gpuLabels,
    perCard((card) => card.temperatureCelsius),
  );
}

function registerLaneTotals(registry: Registry, pool: GpuPool): void {
  const counter = (name: string, help: string, value: (lane: GpuPool['lanes'][number]) => number) =>
    registry.registerMetric(
      new Counter({
        name: `meshkiln_origin_${name}`,
        help,
        labelNames: laneLabels,
        registers: [],
        collect() {
          this.reset();
          for (const sample of perLane(pool, value)) this.inc(sample.labels, sample.value);
        },
      }),
    );
  counter('lane_busy_seconds_total', 'Time that a device has run graphs.', (lane) => lane.busyMs / 1000);
  counter('lane_restarts_total', 'GPU processes that ended.', (lane) => lane.restarts);
}

function goldenErrors({ device, provider, models }: GpuPool['lanes'][number]): Sample[] {
  return models.flatMap(({ id, goldenError }) =>
    goldenError === null ? [] : [{ labels: { device: String(device), provider, model: id }, value: goldenError }],
  );
}

function perLane(pool: GpuPool, value: (lane: GpuPool['lanes'][number]) => number): Sample[] {
  return pool.lanes.map((lane) => ({
    labels: { device: String(lane.device), provider: String(lane.provider) },
    value: value(lane),
  }));
}
