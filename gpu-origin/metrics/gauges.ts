import type { GpuPool } from '../compute/gpu-pool.ts';
import type { Admission } from '../jobs/admission.ts';
import type { JobQueue } from '../jobs/queue.ts';
import type { Runner } from '../jobs/runner.ts';
import type { GeometryStore } from '../write-back/geometry-store.ts';
import type { Outbox } from '../write-back/outbox.ts';
import type { Registry } from './registry.ts';

type Parts = {
  queue: JobQueue;
  runner: Runner;
  pool: GpuPool;
  outbox: Outbox;
  geometry: GeometryStore;
  admission: Admission;
};

/** Registers what is read from the origin's parts when the metrics are scraped. */
export function registerGauges(registry: Registry, parts: Parts): void {
  const { queue, runner, pool, outbox, geometry, admission } = parts;
  const perLane = (value: (lane: GpuPool['lanes'][number]) => number) =>
    pool.lanes.map((lane) => ({
      labels: { device: String(lane.device), provider: lane.provider },
      value: value(lane),
    }));

  registry.read('meshkiln_origin_queue_depth', 'Jobs that wait.', 'gauge', () => one(queue.depth));
  registry.read('meshkiln_origin_queue_capacity', 'Jobs that may wait.', 'gauge', () => one(queue.capacity));
  registry.read('meshkiln_origin_jobs_active', 'Jobs in progress.', 'gauge', () => one(runner.active));
  registry.read('meshkiln_origin_runs_waiting', 'Runs that wait for a device.', 'gauge', () => one(pool.depth));
  registry.read('meshkiln_origin_batch_limit', 'Rows up to which batches are formed.', 'gauge', () =>
    pool.batchLimits.map(({ model, graph, limit }) => ({ labels: { model, graph }, value: limit })),
  );
  registry.read('meshkiln_origin_outbox_entries', 'Results not yet at the edge.', 'gauge', () =>
    one(outbox.entries.size),
  );
  registry.read('meshkiln_origin_outbox_bytes', 'Bytes of those results.', 'gauge', () => one(outbox.bytes));
  registry.read('meshkiln_origin_geometry_bytes', 'Bytes of cached surfaces.', 'gauge', () => one(geometry.bytes));
  registry.read('meshkiln_origin_draining', '1 while the origin is going to end.', 'gauge', () =>
    one(Number(admission.draining)),
  );
  registry.read('meshkiln_origin_resident_bytes', 'Resident memory of the origin itself.', 'gauge', () =>
    one(process.memoryUsage.rss()),
  );
  registry.read('meshkiln_origin_lane_resident_bytes', 'Resident memory of a GPU process.', 'gauge', () =>
    perLane((lane) => lane.residentBytes),
  );
  registry.read('meshkiln_origin_lane_ready', '1 while a GPU process can take work.', 'gauge', () =>
    perLane((lane) => Number(lane.state === 'ready')),
  );
  registry.read('meshkiln_origin_lane_running', '1 while a GPU process runs a graph.', 'gauge', () =>
    perLane((lane) => Number(lane.running)),
  );
  registry.read('meshkiln_origin_lane_busy_seconds_total', 'Time that a device has run graphs.', 'counter', () =>
    perLane((lane) => lane.busyMs / 1000),
  );
  registry.read('meshkiln_origin_lane_restarts_total', 'GPU processes that ended.', 'counter', () =>
    perLane((lane) => lane.restarts),
  );
}

function one(value: number) {
  return [{ labels: {}, value }];
}
