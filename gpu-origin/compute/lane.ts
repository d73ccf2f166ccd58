import type { ProviderOrder } from '../config.ts';
import type { OnnxProvider } from '../../contract/mesh.ts';
import { sameContent, type ModelContent } from '../families/family.ts';
import { log } from '../log.ts';
import type { Tensor } from '../pipeline/tensor.ts';
import { GpuChild, GpuProcessEnded } from './gpu-child.ts';
import type { ModelFiles, Refusal } from './lane-protocol.ts';
import { Quarantine } from './quarantine.ts';

/** Time for one model to load, be checked and be warmed up. */
const loadSecondsMax = 600;

const restartMsMin = 100;
const restartMsMax = 30_000;

/** A process that could take work for so long has not ended because of what ended the one before it. */
const steadyMs = 60_000;

/** Ends in a row up to which a process counts as coming back at once: some five seconds without it. */
const endsInARowMax = 5;

/** Runs that a process holds: the one that it runs, and one with which it goes on without waiting for the origin. */
const runsHeldMax = 2;

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
  #runsHeld = 0;
  /** When the run began that the process has at present: it was given it, or had answered the one before. */
  #begunMs = 0;
  #wasReady = false;
  #wanted: readonly LaneModel[] = [];
  /** Digest of each model that the process holds. */
  readonly #loaded = new Map<string, string>();
  /** How far the golden outputs of each of them are off, by its id; null where it has none. */
  readonly #goldenErrors = new Map<string, number | null>();
  /** Why a model could not be loaded, by its digest. */
  readonly #faults = new Map<string, string>();
  readonly #quarantine = new Quarantine();
  #quarantineTimer: NodeJS.Timeout | undefined;
  #readySinceMs = 0;
  #provider: OnnxProvider | null = null;
  #refusals: readonly Refusal[] = [];
  #errorText = '';
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
      running: this.#runsHeld > 0,
      busyMs: this.#busyMs,
      restarts: this.#restarts,
      residentBytes: this.#residentBytes,
      refusals: this.#refusals,
      /** The models that the process holds, with the largest relative error of their golden outputs. */
      models: [...this.#loaded.keys()].map((id) => ({ id, goldenError: this.#goldenErrors.get(id) ?? null })),
      /** What the libraries said while the models were loaded. */
      errorText: this.#errorText,
      pid: this.#child?.pid ?? null,
    };
  }

  get idle(): boolean {
    return this.#state === 'ready' && this.#runsHeld === 0;
  }

  /** When the present run began, if one more may be given ahead to follow it; null when none may. */
  get aheadOfMs(): number | null {
    return this.#state === 'ready' && this.#runsHeld > 0 && this.#runsHeld < runsHeldMax ? this.#begunMs : null;
  }

  /** True when work that comes now will be run: at once, or after a restart that is under way. */
  get up(): boolean {
    return this.#state === 'ready' || (this.#wasReady && this.#endsInARow <= endsInARowMax && this.#state !== 'closed');
  }

  holds(model: ModelContent): boolean {
    return this.#loaded.get(model.id) === model.digest;
  }

  /** True when this lane holds the model, or will once it is ready again. */
  offers(model: { digest: string }): boolean {
    return !this.#faults.has(model.digest) && !this.#quarantine.holds(model.digest);
  }

  /** Why this lane could not load a model; null when it did or has not tried. */
  faultOf(model: { digest: string }): string | null {
    return this.#faults.get(model.digest) ?? null;
  }

  /** Makes the process hold exactly these models, starting it the first time; ends when each was tried. */
  async setModels(models: readonly LaneModel[]): Promise<void> {
    this.#wanted = models;
    this.#quarantine.clear();
    this.#faults.clear();
    if (this.#child !== null) this.#prepareAgain();
    // A restart that is due takes the new models by itself.
    else if (this.#restartTimer === undefined) this.#start();
    await this.#preparing;
  }

  /**
   * Runs a graph, after the one that runs; the lane must be idle or take runs ahead. `ms` is the time that the device took,
   * `tookMs` that until the answer was here, from when the process could begin.
   * Rejects with GpuProcessEnded, or with the runtime's error.
   */
  async run(model: string, graph: string, inputs: Record<string, Tensor>) {
    const child = this.#child;
    if (child === null || !(this.idle || this.aheadOfMs !== null)) {
      throw new Error('a lane that has no room was given a run; this is a bug');
    }
    if (this.#runsHeld === 0) this.#begunMs = performance.now();
    this.#runsHeld += 1;
    try {
      const answer = await child.ask({ type: 'run', model, graph, inputs }, this.#options.runSecondsMax);
      const answeredMs = performance.now();
      const tookMs = answeredMs - this.#begunMs;
      this.#begunMs = answeredMs;
      if (answer.type !== 'ran') throw new Error(answer.type === 'failed' ? answer.cause : `answered ${answer.type}`);
      this.#endsInARow = 0;
      this.#busyMs += answer.ms;
      this.#residentBytes = answer.residentBytes;
      // Drain, then restart.
      if (answer.residentBytes - this.#residentBytesAtStart > this.#options.growthBytesMax) this.#state = 'restarting';
      return { outputs: answer.outputs, ms: answer.ms, tookMs };
    } finally {
      this.#runsHeld -= 1;
      if (this.#state === 'restarting' && this.#runsHeld === 0) {
        child.kill(`held ${this.#residentBytes} bytes and was replaced`);
      }
    }
  }

  /** Ends the process for good. */
  close(): void {
    this.#state = 'closed';
    clearTimeout(this.#restartTimer);
    clearTimeout(this.#quarantineTimer);
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

  #prepareAgain(): void {
    const child = this.#child;
    if (child !== null) this.#preparing = this.#preparing.then(() => this.#prepare(child));
  }

  /** Loads and unloads until the process holds what is wanted; what ends it here is dealt with by #ended. */
  async #prepare(child: GpuChild): Promise<void> {
    if (this.#child !== child) return;
    const wanted = this.#wanted;
    for (const [id, digest] of this.#loaded) {
      if (wanted.some((model) => sameContent(model, { id, digest }))) continue;
      this.#loaded.delete(id);
      this.#goldenErrors.delete(id);
      child.tell({ type: 'unload', id });
    }
    for (const model of wanted) {
      const { digest } = model;
      if (this.#loaded.has(model.id) || this.#faults.has(digest) || this.#quarantine.holds(digest)) continue;
      try {
        await this.#load(child, model);
      } catch (error) {
        if (!(error instanceof GpuProcessEnded)) throw error;
        this.#quarantine.crashed(digest);
        return;
      }
    }
    if (this.#child !== child || this.#state === 'closed') return;
    this.#state = 'ready';
    // The error text of refused providers is complete only after another provider has run the models.
    this.#errorText = child.errorText;
    this.#wasReady = true;
    this.#readySinceMs = Date.now();
    const letOutMs = this.#quarantine.nextEndMs;
    clearTimeout(this.#quarantineTimer);
    if (letOutMs !== null) this.#quarantineTimer = setTimeout(() => this.#prepareAgain(), letOutMs + 1);
    this.#residentBytes = this.#residentBytesAtStart;
    this.#options.onChange();
  }

  async #load(child: GpuChild, model: LaneModel): Promise<void> {
    const { id, folder, manifest } = model;
    const answer = await child.ask({ type: 'load', model: { id, folder, manifest } }, loadSecondsMax);
    if (answer.type === 'loaded') {
      this.#loaded.set(id, model.digest);
      this.#goldenErrors.set(id, answer.goldenError);
      this.#quarantine.loaded(model.digest);
      this.#provider = answer.provider;
      this.#refusals = answer.refusals;
      this.#residentBytesAtStart = answer.residentBytes;
    } else if (answer.type === 'not-loaded') {
      this.#faults.set(model.digest, answer.cause);
    }
  }

  #ended(end: GpuProcessEnded): void {
    this.#child = null;
    this.#loaded.clear();
    this.#goldenErrors.clear();
    if (this.#state === 'closed') return;
    log('gpu process ended', { device: this.device, cause: end.message });
    if (this.#state === 'ready' && Date.now() - this.#readySinceMs > steadyMs) this.#endsInARow = 0;
    this.#state = 'restarting';
    this.#restarts += 1;
    const delayMs = Math.min(restartMsMin * 2 ** this.#endsInARow, restartMsMax);
    this.#endsInARow += 1;
    this.#restartTimer = setTimeout(() => this.#start(), delayMs);
    this.#options.onChange();
  }
}
