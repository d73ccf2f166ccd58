import { resolve } from 'node:path';
import { z } from 'zod';
import { OnnxProvider } from '../contract/mesh.ts';
import { TextToImageModel } from '../contract/model.ts';
import type { TextToImageOptions } from './text-to-image/text-to-image.ts';

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;

/** Limits of one call to a kernel: far above what the largest picture, field or mesh takes. */
export const kernelLimitDefaults = { secondsMax: 120, bytesMax: 4 * GiB };

const secretCharactersMin = 16;
const Secret = z.string().min(secretCharactersMin, `must have at least ${secretCharactersMin} characters`);
const Url = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' });

/** A list written with commas, no item twice. */
function list<Item extends z.ZodType<unknown, string>>(item: Item) {
  return z
    .string()
    .transform((text) => text.split(',').map((part) => part.trim()))
    .refine((items) => new Set(items).size === items.length, 'must not name anything twice')
    .pipe(z.array(item));
}

/** A whole number between two bounds. */
function whole(least: number, most: number) {
  return z
    .string()
    .regex(/^\d{1,16}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(least).max(most));
}

const Environment = z.object({
  ORIGIN_ID: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and hyphens'),
  ORIGIN_SECRET: Secret,
  /** The secret before the last rotation, valid beside the present one. */
  ORIGIN_SECRET_PREVIOUS: Secret.optional(),
  ORIGIN_HOST: z.string().default('127.0.0.1'),
  ORIGIN_PORT: whole(0, 65_535).default(8788),
  /** Address at which the edge reaches this origin. */
  ORIGIN_URL: Url.optional(),
  EDGE_URL: Url,
  MODELS_DIR: z.string().default(resolve(import.meta.dirname, '../models')),
  ORIGIN_STATE: z.string().default('.meshkiln/origin'),
  /** Device numbers, one compute lane each. */
  GPU_DEVICES: list(z.string().regex(/^\d{1,2}$/, 'must be device numbers'))
    .transform((devices) => devices.map(Number))
    .default([0]),
  PROVIDERS: list(OnnxProvider).optional(),
  /** CPU threads of one inference; 0 leaves it to ONNX Runtime. */
  INFERENCE_THREADS: whole(0, 256).default(0),
  KERNEL_THREADS: whole(1, 256).optional(),
  /** A call to a kernel that takes longer ends with its thread, which is replaced. */
  KERNEL_SECONDS_MAX: whole(1, 3600).default(kernelLimitDefaults.secondsMax),
  /** Memory that the thread of a kernel may hold; one that holds more is replaced. */
  KERNEL_BYTES_MAX: whole(256 * MiB, 1024 * GiB).default(kernelLimitDefaults.bytesMax),
  /** Jobs that wait, beside those in progress. */
  QUEUE_CAPACITY: whole(1, 100_000).default(256),
  /** Jobs in progress at once; enough that a batch can form while one runs. */
  JOBS_ACTIVE_MAX: whole(1, 1024).optional(),
  /** Of them, those that wait for an image API or a model's server; a half unless it is given. */
  JOBS_OUTSIDE_MAX: whole(1, 1024).optional(),
  /** Memory that the fields of jobs in progress may take together; the largest, of 512 points a side, takes 1 GiB. */
  FIELD_BYTES_MAX: whole(1 * GiB, 1024 * GiB).default(2 * GiB),
  JOB_SECONDS_MAX: whole(1, 86_400).default(600),
  /** An inference longer than this counts as hung, and its process is replaced. */
  RUN_SECONDS_MAX: whole(1, 3600).default(120),
  /** Growth of a GPU process's resident memory past its size after warm-up at which it is replaced. */
  LANE_GROWTH_BYTES_MAX: whole(16 * MiB, 1024 * GiB).default(2 * GiB),
  OUTBOX_BYTES_MAX: whole(1, 1024 * GiB).default(2 * GiB),
  GEOMETRY_CACHE_BYTES_MAX: whole(0, 1024 * GiB).default(1 * GiB),
  /** Free space on the state's disk below which no job is accepted. */
  STATE_FREE_BYTES_MIN: whole(0, Number.MAX_SAFE_INTEGER).default(256 * MiB),
  DRAIN_SECONDS_MAX: whole(0, 3600).default(30),
  METRICS_TOKEN: Secret.optional(),
  /** Base URLs of OpenAI-compatible image APIs, the preferred one first. */
  TEXT_TO_IMAGE_URLS: list(Url).optional(),
  /** Their keys in the same order, an empty one where none is needed; or one key, where all are of one web origin. */
  TEXT_TO_IMAGE_KEY: z
    .string()
    .transform((text) => text.split(',').map((key) => key.trim()))
    .optional(),
  TEXT_TO_IMAGE_MODEL: TextToImageModel.optional(),
  /** One call to an image API, its picture included. */
  TEXT_TO_IMAGE_SECONDS_MAX: whole(1, 3600).default(120),
});

/** Of the environment, what a call to the origin takes. */
const Caller = Environment.pick({ ORIGIN_ID: true, ORIGIN_SECRET: true, ORIGIN_HOST: true, ORIGIN_PORT: true });

/** The environment, in which what belongs together is given together. */
const WholeEnvironment = Environment.superRefine((env, context) => {
  const { TEXT_TO_IMAGE_URLS: urls, TEXT_TO_IMAGE_MODEL: model, TEXT_TO_IMAGE_KEY: keys } = env;
  if (urls === undefined) return;
  if (model === undefined) context.addIssue({ code: 'custom', path: ['TEXT_TO_IMAGE_MODEL'] });
  if (keys === undefined || keys.length === urls.length) return;
  const one = keys.length === 1;
  if (one && new Set(urls.map((url) => new URL(url).origin)).size === 1) return;
  const message = one
    ? 'is one key for URLs of several servers; give one for each, with commas'
    : `has ${keys.length} keys for ${urls.length} URLs`;
  context.addIssue({ code: 'custom', path: ['TEXT_TO_IMAGE_KEY'], message });
});

/** Execution providers in the order to try; `explicit` when the operator asked for it, so that another is degraded. */
export type ProviderOrder = { order: readonly OnnxProvider[]; explicit: boolean };

/** What the environment says, with every default filled. */
export type Config = ReturnType<typeof readConfig>;

/** Parses the environment; throws an Error with one line for each variable that is missing or wrong. */
export function readConfig(environment: NodeJS.ProcessEnv, cpuThreads: number) {
  const env = parsed(WholeEnvironment, environment);
  const state = resolve(env.ORIGIN_STATE);
  const kernelThreads = env.KERNEL_THREADS ?? cpuThreads;
  // Each device runs one batch and forms the next, each kernel thread holds one more.
  const jobsActiveMax = env.JOBS_ACTIVE_MAX ?? kernelThreads + 8 * env.GPU_DEVICES.length;
  const providers: ProviderOrder = { order: env.PROVIDERS ?? ['cuda', 'cpu'], explicit: env.PROVIDERS !== undefined };
  return {
    id: env.ORIGIN_ID,
    secret: env.ORIGIN_SECRET,
    secrets: [env.ORIGIN_SECRET, ...(env.ORIGIN_SECRET_PREVIOUS === undefined ? [] : [env.ORIGIN_SECRET_PREVIOUS])],
    host: env.ORIGIN_HOST,
    port: env.ORIGIN_PORT,
    url: env.ORIGIN_URL ?? `http://${env.ORIGIN_HOST}:${env.ORIGIN_PORT}`,
    edgeUrl: env.EDGE_URL,
    modelsFolder: resolve(env.MODELS_DIR),
    state,
    devices: env.GPU_DEVICES,
    providers,
    inferenceThreads: env.INFERENCE_THREADS,
    kernelThreads,
    kernelLimits: { secondsMax: env.KERNEL_SECONDS_MAX, bytesMax: env.KERNEL_BYTES_MAX },
    queueCapacity: env.QUEUE_CAPACITY,
    jobsActiveMax,
    jobsOutsideMax: env.JOBS_OUTSIDE_MAX ?? Math.max(1, Math.floor(jobsActiveMax / 2)),
    fieldBytesMax: env.FIELD_BYTES_MAX,
    jobSecondsMax: env.JOB_SECONDS_MAX,
    runSecondsMax: env.RUN_SECONDS_MAX,
    laneGrowthBytesMax: env.LANE_GROWTH_BYTES_MAX,
    outboxBytesMax: env.OUTBOX_BYTES_MAX,
    geometryCacheBytesMax: env.GEOMETRY_CACHE_BYTES_MAX,
    stateFreeBytesMin: env.STATE_FREE_BYTES_MIN,
    drainSecondsMax: env.DRAIN_SECONDS_MAX,
    metricsToken: env.METRICS_TOKEN ?? null,
    textToImage: textToImageOf(env),
  };
}

/** What a command must know to call the origin of this environment on this machine; throws as `readConfig` does. */
export function readCaller(environment: NodeJS.ProcessEnv): { url: string; originId: string; secret: string } {
  const env = parsed(Caller, environment);
  const host = ['0.0.0.0', '::'].includes(env.ORIGIN_HOST) ? '127.0.0.1' : env.ORIGIN_HOST;
  return { url: `http://${host}:${env.ORIGIN_PORT}`, originId: env.ORIGIN_ID, secret: env.ORIGIN_SECRET };
}

function parsed<Output>(schema: z.ZodType<Output>, environment: NodeJS.ProcessEnv): Output {
  // An empty variable is one that a compose file left open.
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const outcome = schema.safeParse(given);
  if (outcome.success) return outcome.data;
  const lines = outcome.error.issues.map((issue) => `${String(issue.path[0])}: ${messageOf(issue, given)}`);
  throw new Error(`The origin's environment is not right:\n  ${lines.join('\n  ')}`);
}

/** How prompts are turned into pictures; null when they are not taken. */
function textToImageOf(env: z.infer<typeof Environment>): TextToImageOptions | null {
  const { TEXT_TO_IMAGE_URLS: urls, TEXT_TO_IMAGE_MODEL: model, TEXT_TO_IMAGE_KEY: keys = [] } = env;
  if (urls === undefined || model === undefined) return null;
  const upstreams = urls.map((url, i) => ({ url, key: (keys.length === 1 ? keys[0] : keys[i]) || null }));
  return { upstreams, model, secondsMax: env.TEXT_TO_IMAGE_SECONDS_MAX };
}

function messageOf(issue: z.core.$ZodIssue, given: Record<string, string | undefined>): string {
  return given[String(issue.path[0])] === undefined ? 'must be set' : /* defence: API8-8 */ issue.message;
}
