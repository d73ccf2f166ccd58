import type { StatsNow } from './calls.ts';
import { counters, countersOf, sumOf, type CounterName, type Counts } from './counts.ts';
import type { Metric, Sample } from './exposition.ts';
import { latencyBoundsMs, latencyBuckets } from './latency.ts';
import { originMetrics } from './origin-metrics.ts';

/** Metrics of the edge and its origins. */
export function edgeMetrics(
  now: StatsNow,
  { nowMs, gpuHourPrice }: { nowMs: number; gpuHourPrice: number | null },
): Metric[] {
  const { totals } = now;
  return [
    counter('requests', 'meshkiln_edge_requests_total', 'Answers by method, route and status.', totals),
    counter('errors', 'meshkiln_edge_errors_total', 'Error answers by problem code.', totals),
    counter('meshes', 'meshkiln_edge_meshes_total', 'Requests for a mesh by what the cache did.', totals),
    total('savedGpuMs', 'meshkiln_edge_saved_gpu_seconds_total', 'GPU time that hits did not spend.', totals),
    total('spentGpuMs', 'meshkiln_edge_spent_gpu_seconds_total', 'GPU time of the results that came back.', totals),
    latencyMetric(totals),
    counter('assets', 'meshkiln_edge_assets_total', 'Answers about assets by tier and status.', totals),
    counter('assetBytes', 'meshkiln_edge_asset_bytes_total', 'Bytes of assets that answers announced.', totals),
    counter('flightsStarted', 'meshkiln_edge_flights_started_total', 'Flights begun.', totals),
    counter('flightsEnded', 'meshkiln_edge_flights_ended_total', 'Flights ended, by outcome.', totals),
    gauge('meshkiln_edge_flights_open', 'Flights that are open.', now.flightsOpen),
    counter('jobsLost', 'meshkiln_edge_jobs_lost_total', 'Jobs taken back from an origin, by its fault.', totals),
    counter('writeBacks', 'meshkiln_edge_write_backs_total', 'Results that origins sent, by outcome.', totals),
    gauge('meshkiln_edge_counters_left_out', 'Counters not kept, since there are too many.', now.countersLeftOut),
    gauge('meshkiln_edge_gpu_hour_price', 'GPU_PRICE_PER_HOUR, where it is set.', gpuHourPrice),
    ...originMetrics(now.origins, nowMs),
  ];
}

function counter(of: CounterName, name: string, help: string, counts: Counts): Metric {
  const names: readonly string[] = counters[of];
  const samples = [...countersOf(counts, of)].map(({ labels, value }) => ({
    labels: Object.fromEntries(names.map((label, index) => [label, labels[index] ?? ''])),
    value,
  }));
  const zero: Sample[] = names.length === 0 ? [{ labels: {}, value: 0 }] : [];
  return { name, help, type: 'counter', samples: samples.length === 0 ? zero : samples };
}

/** A sum of milliseconds, told in seconds. */
function total(of: CounterName, name: string, help: string, counts: Counts): Metric {
  return { name, help, type: 'counter', samples: [{ labels: {}, value: sumOf(counts, of) / 1000 }] };
}

function gauge(name: string, help: string, value: number | null): Metric {
  return { name, help, type: 'gauge', samples: value === null ? [] : [{ labels: {}, value }] };
}

function latencyMetric(counts: Counts): Metric {
  const samples = (['hit', 'miss'] as const).flatMap((cache): Sample[] => {
    let below = 0;
    const buckets = latencyBuckets(counts, cache).map((count, index): Sample => {
      const bound = latencyBoundsMs[index];
      const le = bound === undefined ? '+Inf' : String(bound / 1000);
      return { suffix: '_bucket', labels: { cache, le }, value: (below += count) };
    });
    return [
      ...buckets,
      { suffix: '_sum', labels: { cache }, value: sumOf(counts, 'latencyMs', cache) / 1000 },
      { suffix: '_count', labels: { cache }, value: below },
    ];
  });
  const help = 'Time of a hit until its answer, of a miss from the start of its flight until its mesh is stored.';
  return { name: 'meshkiln_edge_mesh_seconds', help, type: 'histogram', samples };
}
