import { z } from 'zod';
import { Provider } from './mesh.ts';
import { Model, TextToImageModel } from './model.ts';

/** Seconds between two reports of an origin. */
export const reportIntervalSeconds = 5;

/** Reports that an origin may miss before it counts as dead. */
export const reportsMissedMax = 3;

const Count = z.number().int().nonnegative();

/** A compute lane: one child process on one device. */
const Lane = z.strictObject({
  device: z.string().max(64),
  provider: Provider,
  state: z.enum(['starting', 'ready', 'restarting']),
  busySeconds: z.number().nonnegative(),
  restarts: Count,
});

/** What nvidia-smi says of a card; absent where there is none. */
const Gpu = z.strictObject({
  name: z.string().max(100),
  utilisation: z.number().min(0).max(1),
  memoryUsedBytes: Count,
  memoryTotalBytes: Count,
  temperatureCelsius: z.number(),
});

/** Body of `POST {edge}/origin/reports`; counters are totals since the origin started. */
export const Report = z.strictObject({
  /** Base URL at which the edge reaches this origin; must be the one configured for its secret. */
  url: z.url(),
  startedAtSeconds: Count,
  state: z.enum(['ready', 'draining', 'full']),
  models: z.array(Model).max(100),
  /** The model that this origin has prompts turned into pictures with; absent where it takes none. */
  textToImageModel: TextToImageModel.optional(),
  queue: z.strictObject({ depth: Count, capacity: Count }),
  lanes: z.array(Lane).max(64),
  gpus: z.array(Gpu).max(64),
  residentBytes: Count,
  outbox: z.strictObject({ entries: Count, bytes: Count }),
  jobs: z.strictObject({ accepted: Count, completed: Count, failed: Count, refused: Count, cancelled: Count }),
  gpuRuns: z.record(z.string(), Count),
});
export type Report = z.infer<typeof Report>;
