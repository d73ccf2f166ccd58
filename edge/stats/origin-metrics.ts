import type { Report } from '../../contract/report.ts';
import type { ReportedOrigin } from './calls.ts';
import type { Metric, Sample } from './exposition.ts';
import { isSilent } from './report-counts.ts';

type Labels = Sample['labels'];
type Lane = Report['lanes'][number];
type Gpu = Report['gpus'][number];
type Reading<Of> = readonly [name: string, help: string, read: (of: Of) => number];

const originGauges: readonly Reading<Report>[] = [
  ['queue_depth', 'Jobs that wait', ({ queue }) => queue.depth],
  ['queue_capacity', 'Jobs that may wait', ({ queue }) => queue.capacity],
  ['outbox_entries', 'Results not yet at the edge', ({ outbox }) => outbox.entries],
  ['outbox_bytes', 'Bytes of those results', ({ outbox }) => outbox.bytes],
  ['resident_bytes', 'Resident memory of its processes', ({ residentBytes }) => residentBytes],
];

const laneGauges: readonly Reading<Lane>[] = [
  ['lane_ready', '1 while a lane can take work', ({ state }) => Number(state === 'ready')],
];

const laneCounters: readonly Reading<Lane>[] = [
  ['lane_busy_seconds_total', 'Time that a lane has run graphs', ({ busySeconds }) => busySeconds],
  ['lane_restarts_total', 'Processes of a lane that ended', ({ restarts }) => restarts],
];

const gpuGauges: readonly Reading<Gpu>[] = [
  ['gpu_utilisation_ratio', 'Share of time that the card was busy', ({ utilisation }) => utilisation],
  ['gpu_memory_used_bytes', 'Memory of the card in use', ({ memoryUsedBytes }) => memoryUsedBytes],
  ['gpu_memory_total_bytes', 'Memory of the card', ({ memoryTotalBytes }) => memoryTotalBytes],
  ['gpu_temperature_celsius', 'Temperature of the card', ({ temperatureCelsius }) => temperatureCelsius],
];

/** The origins' last reports. For an origin that is down: only that it is down, and when it last reported. */
export function originMetrics(origins: readonly ReportedOrigin[], nowMs: number): Metric[] {
  const known = origins.map(({ id, atMs }) => ({ labels: { origin: id }, up: !isSilent(atMs, nowMs), atMs }));
  const reports = origins
    .filter(({ atMs }) => !isSilent(atMs, nowMs))
    .map(({ id, report }) => ({ labels: { origin: id }, of: report }));
  const lanes = reports.flatMap(({ labels, of }) =>
    of.lanes.map((lane, index) => ({ labels: { ...labels, lane: String(index), device: lane.device }, of: lane })),
  );
  const gpus = reports.flatMap(({ labels, of }) =>
    of.gpus.map((gpu, index) => ({ labels: { ...labels, gpu: String(index), name: gpu.name }, of: gpu })),
  );
  return [
    metric(
      'up',
      'gauge',
      '1 while it reports',
      known.map(({ labels, up }) => ({ labels, value: Number(up) })),
    ),
    metric(
      'report_age_seconds',
      'gauge',
      'Time since its last report',
      known.map(({ labels, atMs }) => ({ labels, value: Math.max(0, nowMs - atMs) / 1000 })),
    ),
    ...readings('gauge', originGauges, reports),
    ...readings('gauge', laneGauges, lanes),
    ...readings('counter', laneCounters, lanes),
    ...readings('gauge', gpuGauges, gpus),
    metric(
      'jobs_total',
      'counter',
      'Jobs by what became of them',
      reports.flatMap(({ labels, of }) =>
        Object.entries(of.jobs).map(([outcome, value]) => ({ labels: { ...labels, outcome }, value })),
      ),
    ),
    metric(
      'gpu_runs_total',
      'counter',
      'Runs of a model on a device',
      reports.flatMap(({ labels, of }) =>
        Object.entries(of.gpuRuns).map(([model, value]) => ({ labels: { ...labels, model }, value })),
      ),
    ),
  ];
}

function readings<Of>(
  type: 'counter' | 'gauge',
  read: readonly Reading<Of>[],
  from: readonly { labels: Labels; of: Of }[],
): Metric[] {
  return read.map(([name, help, valueOf]) =>
    metric(
      name,
      type,
      help,
      from.map(({ labels, of }) => ({ labels, value: valueOf(of) })),
    ),
  );
}

function metric(name: string, type: 'counter' | 'gauge', help: string, samples: readonly Sample[]): Metric {
  return { name: `meshkiln_edge_origin_${name}`, help: `${help}, by origin as it reports.`, type, samples };
}
