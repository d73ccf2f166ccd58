import { z } from 'zod';
import { Provider } from './mesh.ts';

/** How far back a dashboard looks. */
export const DashboardRange = z.enum(['1h', '24h', '7d']);
export type DashboardRange = z.infer<typeof DashboardRange>;

const Count = z.number().nonnegative();
const Counts = z.array(Count);
/** Null where nothing was measured in a step. */
const Measured = z.array(z.number().nullable());

const Latency = z.object({
  count: Count,
  p50_ms: z.number().nullable(),
  p95_ms: z.number().nullable(),
  p99_ms: z.number().nullable(),
});

const LatencyOverTime = z.object({ p50_ms: Measured, p95_ms: Measured, p99_ms: Measured });

/** Hits by tier: `memory` in isolates, `colo` the Cache API of each location. */
const ManifestTiers = z.object({ memory: Counts, kv: Counts, r2: Counts });
const AssetTiers = z.object({ memory: Counts, colo: Counts, r2: Counts, none: Counts });

/** Shares are 0 to 1. An origin that missed three reports is not `up`, and its figures are its last. */
const OriginNow = z.object({
  id: z.string(),
  up: z.boolean(),
  state: z.enum(['ready', 'draining', 'full']),
  reported_at: z.number().int(),
  started_at: z.number().int(),
  queue_depth: Count,
  queue_capacity: Count,
  outbox_entries: Count,
  jobs: z.object({ accepted: Count, completed: Count, failed: Count, refused: Count, cancelled: Count }),
  lanes: z.array(
    z.object({ device: z.string(), provider: Provider, state: z.enum(['starting', 'ready', 'restarting']) }),
  ),
  gpus: z.array(
    z.object({
      name: z.string(),
      utilisation: z.number(),
      memory_used_bytes: Count,
      memory_total_bytes: Count,
      temperature_celsius: z.number(),
    }),
  ),
  /** Means over each step. GPU values are null for an origin without a GPU. */
  timeline: z.object({ queue_depth: Measured, lane_busy: Measured, gpu_utilisation: Measured, gpu_memory: Measured }),
});

/**
 * `GET /dashboard/data`. Every array of a `timeline` has one value for each step, which begins at the same index of
 * `timeline.at`; the last step is the present one and not yet over. Times are seconds since the epoch.
 */
export const DashboardData = z.object({
  object: z.literal('dashboard'),
  range: DashboardRange,
  generated_at: z.number().int(),
  step_seconds: z.number().int(),
  /** Of the whole range. */
  summary: z.object({
    requests: Count,
    hits: Count,
    misses: Count,
    joined: Count,
    refused: Count,
    /** Hits as a share of all requests for a mesh. Null when there were none. */
    hit_ratio: z.number().nullable(),
    asset_bytes: Count,
    gpu_ms_spent: Count,
    gpu_ms_saved: Count,
    latency: z.object({ hit: Latency, miss: Latency }),
    flights: z.object({
      started: Count,
      completed: Count,
      failed: Count,
      cancelled: Count,
      withdrawn: Count,
      /** At this moment. */
      open: Count,
    }),
    /** In the operator's money; null where `GPU_PRICE_PER_HOUR` is not set. */
    money: z.object({ gpu_hour_price: z.number(), spent: z.number(), saved: z.number() }).nullable(),
  }),
  timeline: z.object({
    at: z.array(z.number().int()),
    hits_by_tier: ManifestTiers,
    misses: Counts,
    joined: Counts,
    refused: Counts,
    hit_ratio: Measured,
    requests_by_status: z.object({ '2xx': Counts, '3xx': Counts, '4xx': Counts, '5xx': Counts }),
    latency: z.object({ hit: LatencyOverTime, miss: LatencyOverTime }),
    assets_by_tier: AssetTiers,
    asset_bytes: Counts,
    gpu_ms_spent: Counts,
    gpu_ms_saved: Counts,
    /** Mean number of flights that were open. */
    flights_open: Measured,
  }),
  origins: z.array(OriginNow),
  requests_by_route: z.array(z.object({ method: z.string(), route: z.string(), status: z.string(), count: Count })),
  errors: z.array(z.object({ code: z.string(), count: Count })),
  /** The meshes requested most often since they were made, regardless of the range. */
  top_meshes: z.array(
    z.object({
      id: z.string(),
      model: z.string(),
      output_format: z.string(),
      scope: z.enum(['shared', 'private']),
      bytes: Count,
      gpu_ms: z.number(),
      uses: Count,
      created_at: z.number().int(),
      last_used_at: z.number().int(),
    }),
  ),
  /** The newest first. */
  failures: z.array(
    z.object({
      at: z.number().int(),
      code: z.string(),
      message: z.string(),
      cause: z.string().nullable(),
      mesh: z.string().nullable(),
      origin: z.string().nullable(),
    }),
  ),
});
export type DashboardData = z.infer<typeof DashboardData>;
