import type { ProviderOrder } from '../config.ts';
import type { Provider } from '../../contract/mesh.ts';
import { log } from '../log.ts';
import type { Tensor } from '../pipeline/tensor.ts';
import { GpuChild, GpuProcessEnded } from './gpu-child.ts';
import type { ModelFiles, Refusal } from './lane-protocol.ts';

/** Time for one model to load, be checked and be warmed up. */
const loadSecondsMax = 600;

const restartMsMin = 100;
const restartMsMax = 30_000;

/** Processes that may end while they load a model before the model is left out. */
const loadCrashesMax = 2;

/** A model with the digest of its manifest, which tells two contents of one id apart. */
export type LaneModel = ModelFiles & { digest: string };

export type LaneOptions = {
  device: number;
  providers: ProviderOrder;
  threads: number;
  runSecondsMax: number;
  growthBytesMax: number;
  /** Called when the lane can take work, or can no longer. */
  onChange: () => void;
};

/** One device's supervised GPU process: restarted with backoff when it ends, replaced when its memory has grown. */
export class Lane {
  readonly device: number;
  readonly #options: LaneOptions;
  #child: GpuChild | null = null;
  #state: 'starting' | 'ready' | 'restarting' | 'closed' = 'starting';
  #running = false;
  #wanted: readonly LaneModel[] = [];
  /** Digest of each model that the process holds. */
  readonly #loaded = new Map<string, string>();
  /** Why a model could not be loaded, by its digest. */
  readonly #faults = new Map<string, string>();
  readonly #loadCrashes = new Map<string, number>();
  #provider: Provider | null = null;
  #refusals: readonly Refusal[] = [];
  #residentBytesAtStart = 0;
  #residentBytes = 0;
  #endsInARow = 0;
  #restartTimer: NodeJS.Timeout | undefined;
  #busyMs = 0;
  #restarts = 0;
  #preparing: Promise<void> = Promise.resolve();

  constructor(options: LaneOptions) {
    this.device = options.device;
    this.#options = options;
  }

  get status() {
    return {
      device: this.device,
      state: this.#state === 'closed' ? ('restarting' as const) : this.#state,
      provider: this.#provider ?? this.#options.providers.order[0] ?? 'cpu',
      degraded: this.#options.providers.explicit && this.#provider !== this.#options.providers.order[0],
      busyMs: this.#busyMs,
      restarts: this.#restarts,
      residentBytes: this.#residentBytes,
      refusals: this.#refusals,
      pid: this.#child?.pid ?? null,
    };
  }

  get idle(): boolean {
    return this.#state === 'ready' && !this.#running;
  }

  holds(model: { id: string; digest: string }): boolean {
    return this.#loaded.get(model.id) === model.digest;
  }

  /** Why this lane could not load a model; null when it did or has not tried. */
  faultOf(model: { digest: string }): string | null {
    return this.#faults.get(model.digest) ?? null;
  }

  /** Makes the process hold exactly these models, starting it the first time; ends when each was tried. */
  async setModels(models: readonly LaneModel[]): Promise<void> {
    this.#wanted = models;
    this.#loadCrashes.clear();
    this.#faults.clear();
    const child = this.#child;
    if (child !== null) this.#preparing = this.#preparing.then(() => this.#prepare(child));
    // A restart that is due takes the new models by itself.
    else if (this.#restartTimer === undefined) this.#start();
    await this.#preparing;
  }

  /** Runs a graph; the lane must be idle. Rejects with GpuProcessEnded, or with the runtime's error. */
  async run(model: string, graph: string, inputs: Record<string, Tensor>) {
    const child = this.#child;
    if (child === null || !this.idle) throw new Error('a lane that is not idle was given a run; this is a bug');
    this.#running = true;
    try {
      const answer = await child.ask({ type: 'run', model, graph, inputs }, this.#options.runSecondsMax);
      if (answer.type !== 'ran') throw new Error(answer.type === 'failed' ? answer.cause : `answered ${answer.type}`);
      this.#endsInARow = 0;
      this.#busyMs += answer.ms;
      this.#residentBytes = answer.residentBytes;
      if (answer.residentBytes - this.#residentBytesAtStart > this.#options.growthBytesMax) {
        child.kill(`held ${answer.residentBytes} bytes and was replaced`);
        this.#state = 'restarting';
      }
      return { outputs: answer.outputs, ms: answer.ms };
    } finally {
      this.#running = false;
    }
  }

  /** Ends the process for good. */
  close(): void {
    this.#state = 'closed';
    clearTimeout(this.#restartTimer);
    this.#child?.kill('was closed');
  }

  #start(): void {
    const child = new GpuChild((end) => this.#ended(end));
    this.#child = child;
    this.#restartTimer = undefined;
    const { device, providers, threads } = this.#options;
    child.tell({ type: 'start', device, providers: providers.order, threads });
    this.#preparing = this.#prepare(child);
  }

  /** Loads and unloads until the process holds what is wanted; what ends it here is dealt with by #ended. */
  async #prepare(child: GpuChild): Promise<void> {
    if (this.#child !== child) return;
    const wanted = this.#wanted;
    for (const [id, digest] of this.#loaded) {
      if (wanted.some((model) => model.id === id && model.digest === digest)) continue;
      this.#loaded.delete(id);
      child.tell({ type: 'unload', id });
    }
    for (const model of wanted) {
      if (this.#loaded.has(model.id) || this.#faults.has(model.digest)) continue;
      try {
        await this.#load(child, model);
      } catch (error) {
        if (!(error instanceof GpuProcessEnded)) throw error;
        this.#countLoadCrash(model, error);
        return;
      }
    }
    if (this.#child !== child || this.#state === 'closed') return;
    this.#state = 'ready';
    this.#residentBytes = this.#residentBytesAtStart;
    this.#options.onChange();
  }

  async #load(child: GpuChild, model: LaneModel): Promise<void> {
    const { id, folder, manifest } = model;
    const answer = await child.ask({ type: 'load', model: { id, folder, manifest } }, loadSecondsMax);
    if (answer.type === 'loaded') {
      this.#loaded.set(id, model.digest);
      this.#provider = answer.provider;
      this.#refusals = answer.refusals;
      this.#residentBytesAtStart = answer.residentBytes;
    } else if (answer.type === 'not-loaded') {
      this.#faults.set(model.digest, answer.cause);
      log('model not loaded', { model: id, device: this.device, cause: answer.cause });
    }
  }

  #countLoadCrash(model: LaneModel, end: GpuProcessEnded): void {
    const crashes = (this.#loadCrashes.get(model.digest) ?? 0) + 1;
    this.#loadCrashes.set(model.digest, crashes);
    if (crashes >= loadCrashesMax) this.#faults.set(model.digest, end.message);
  }

  #ended(end: GpuProcessEnded): void {
    this.#child = null;
    this.#loaded.clear();
    if (this.#state === 'closed') return;
    log('gpu process ended', { device: this.device, cause: end.message });
    this.#state = 'restarting';
    this.#restarts += 1;
    const delayMs = Math.min(restartMsMin * 2 ** this.#endsInARow, restartMsMax);
    this.#endsInARow += 1;
    this.#restartTimer = setTimeout(() => this.#start(), delayMs);
    this.#options.onChange();
  }
}
