import { Problem } from '../../contract/problem.ts';
import type { ProviderOrder } from '../config.ts';
import { log } from '../log.ts';
import { notServed } from '../models/not-served.ts';
import { sameContent, type Infer, type ModelContent } from '../families/family.ts';
import { BatchSizes } from './batch-size.ts';
import { Batcher, joinInputs, rowsOf, splitOutputs, type PendingRun, type RunOutcome } from './batcher.ts';
import { GpuProcessEnded } from './gpu-child.ts';
import { Lane, type LaneModel } from './lane.ts';

/** A run whose process ends is tried on one more process, then given up. */
const crashesMax = 2;

/** A batch that a lane has run: what the metrics count. */
export type BatchRun = { model: string; graph: string; device: number; rows: number; ms: number };

type PoolOptions = {
  devices: readonly number[];
  providers: ProviderOrder;
  threads: number;
  runSecondsMax: number;
  growthBytesMax: number;
  /** Called when a lane became ready or stopped being so. */
  onChange: () => void;
  onBatch: (batch: BatchRun) => void;
};

/** The lanes of all devices and the runs that wait for one: an idle lane takes the next batch at once. */
export class GpuPool {
  readonly #lanes: readonly Lane[];
  readonly #batcher = new Batcher();
  readonly #sizes = new BatchSizes();
  readonly #onBatch: (batch: BatchRun) => void;
  #models: readonly LaneModel[] = [];
  #closed = false;

  constructor({ devices, onChange, onBatch, ...settings }: PoolOptions) {
    this.#onBatch = onBatch;
    this.#lanes = devices.map((device) => {
      const changed = () => {
        onChange();
        for (const run of this.#batcher.takeAll(({ model }) => this.faultOf(model) !== null)) {
          run.reject(new Error(`${run.model.id} cannot be loaded: ${this.faultOf(run.model)}`));
        }
        this.#dispatch();
      };
      return new Lane({ ...settings, device, onChange: changed });
    });
  }

  get lanes() {
    return this.#lanes.map((lane) => lane.status);
  }

  /** Rows up to which batches of each graph are formed at present. */
  get batchLimits() {
    return this.#sizes.limits();
  }

  /** Runs that wait for a lane. */
  get depth(): number {
    return this.#batcher.depth;
  }

  /** Makes every lane hold exactly these models; ends when each lane has tried each. */
  async setModels(models: readonly LaneModel[]): Promise<void> {
    this.#models = models;
    const gone = (run: PendingRun) => this.#find(run.model) === null;
    for (const run of this.#batcher.takeAll(gone)) run.reject(notServed(run.model.id));
    await Promise.all(this.#lanes.map((lane) => lane.setModels(models)));
  }

  /** True when a lane holds the model, or held it before it began to restart. */
  serves(model: ModelContent): boolean {
    return this.#find(model) !== null && this.#lanes.some((lane) => lane.offers(model));
  }

  /** True when work that comes now will be run, if only after a restart. */
  get up(): boolean {
    return this.#lanes.some((lane) => lane.up);
  }

  /** Why a model runs on no lane; null when it does. */
  faultOf(model: { digest: string }): string | null {
    const faults = this.#lanes.flatMap((lane) => lane.faultOf(model) ?? []);
    return faults.length === this.#lanes.length ? faults.join('; ') : null;
  }

  /**
   * Runs a graph of a model of this content, in a batch with others where they fit, before those of jobs that began
   * later. Rejects with the signal's reason when it is aborted, else with the cause: `notServed`, the runtime's error, or
   * GpuProcessEnded after the second process.
   */
  async infer(run: Parameters<Infer>[0] & { jobBegunMs?: number }): ReturnType<Infer> {
    run.signal.throwIfAborted();
    const model = this.#find(run.model);
    if (model === null) throw notServed(run.model.id);
    const fault = this.faultOf(model);
    if (fault !== null) throw new Problem('internal_error', `The model ${model.id} cannot be run.`, { cause: fault });
    const graph = model.manifest.graphs[run.graph];
    const tensors = [...Object.values(graph?.inputs ?? {}), ...Object.values(graph?.outputs ?? {})];
    const batchable = tensors.every(({ shape }) => shape[0] === 'N');
    const { promise, resolve, reject } = Promise.withResolvers<RunOutcome>();
    const { jobBegunMs = Date.now() } = run;
    const own = { model, jobBegunMs, batchable };
    const pending: PendingRun = { ...run, ...own, crashes: 0, failedBatch: null, resolve, reject };
    const abandon = () => {
      this.#batcher.remove(pending);
      reject(run.signal.reason);
    };
    run.signal.addEventListener('abort', abandon, { once: true });
    this.#batcher.add(pending);
    this.#dispatch();
    try {
      const { outputs, ms, provider, degraded } = await promise;
      return { outputs, gpuMs: ms, provider, degraded };
    } finally {
      run.signal.removeEventListener('abort', abandon);
    }
  }

  /** Ends every process; runs that wait or run are rejected. */
  close(): void {
    this.#closed = true;
    for (const lane of this.#lanes) lane.close();
    for (const run of this.#batcher.takeAll(() => true)) run.reject(new GpuProcessEnded('was closed'));
  }

  #find(wanted: ModelContent): LaneModel | null {
    return this.#models.find((model) => sameContent(model, wanted)) ?? null;
  }

  #dispatch(): void {
    if (this.#closed) return;
    for (const lane of this.#lanes) if (lane.idle) this.#give(lane, { full: false });
    // What cannot grow goes ahead to the process, which then need not wait for this thread between two runs: first to
    // the lane that is likely to come to it first.
    const busy = this.#lanes.filter((lane) => lane.aheadOfMs !== null);
    for (const lane of busy.toSorted((a, b) => (a.aheadOfMs ?? 0) - (b.aheadOfMs ?? 0)))
      this.#give(lane, { full: true });
  }

  #give(lane: Lane, size: { full: boolean }): void {
    const batch = this.#batcher.next(
      (run) => lane.holds(run.model),
      (run) => this.#sizes.of(run.model, run.graph).limit,
      size,
    );
    if (batch.length > 0) void this.#execute(lane, batch);
  }

  async #execute(lane: Lane, batch: readonly PendingRun[]): Promise<void> {
    const [first] = batch;
    if (first === undefined) throw new Error('an empty batch was formed; this is a bug');
    const { model, graph } = first;
    const rows = batch.reduce((sum, run) => sum + rowsOf(run), 0);
    try {
      const { outputs, ms, tookMs } = await lane.run(model.id, graph, joinInputs(batch));
      const size = this.#sizes.of(model, graph);
      // From one answer to the next, as what a batch costs beside the device's own time slows the lane as well.
      if (first.batchable) size.record(rows, tookMs);
      if (first.failedBatch !== null) this.#concludeFailedBatch(first, true);
      const { provider, degraded, device } = lane.status;
      this.#onBatch({ model: model.id, graph, device, rows, ms });
      const parts = splitOutputs(batch, outputs);
      batch.forEach((run, i) => {
        const part = parts[i];
        if (part === undefined) throw new Error('a batch lost a result; this is a bug');
        run.resolve({ outputs: part, ms: (ms * rowsOf(run)) / rows, provider, degraded });
      });
    } catch (error) {
      this.#retryOrReject(batch, rows, error);
    }
    this.#dispatch();
  }

  #retryOrReject(batch: readonly PendingRun[], rows: number, error: unknown): void {
    const ended = error instanceof GpuProcessEnded;
    // A batch that failed is run again one by one, so that one bad input or too little memory fails alone.
    const failedBatch = !ended && batch.length > 1 ? { rows, left: batch.length, failedAlone: 0 } : null;
    const again: PendingRun[] = [];
    for (const run of batch) {
      run.crashes += ended && error.begun ? 1 : 0;
      run.batchable = false;
      const retry = ended ? run.crashes < crashesMax : failedBatch !== null;
      if (retry && !this.#closed) again.push(run);
      else run.reject(error);
      if (run.failedBatch !== null && !retry) this.#concludeFailedBatch(run, false);
      if (failedBatch !== null) run.failedBatch = failedBatch;
    }
    for (const run of again) {
      // Its model may have gone meanwhile, and with it every lane that would take it.
      if (this.#find(run.model) === null) run.reject(notServed(run.model.id));
      else this.#batcher.add(run);
    }
  }

  #concludeFailedBatch({ model, graph, failedBatch }: PendingRun, succeeded: boolean): void {
    if (failedBatch === null) return;
    failedBatch.left -= 1;
    failedBatch.failedAlone += succeeded ? 0 : 1;
    if (failedBatch.left > 0 || failedBatch.failedAlone > 0) return;
    log('batch too large', { model: model.id, graph, rows: failedBatch.rows });
    this.#sizes.of(model, graph).tooLarge(failedBatch.rows);
  }
}
