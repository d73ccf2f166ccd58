import type { OnnxProvider } from '../../contract/mesh.ts';
import type { LaneModel } from './lane.ts';
import type { Tensor } from '../pipeline/tensor.ts';

/** A run that waits for a lane. */
export type PendingRun = {
  model: LaneModel;
  graph: string;
  inputs: Record<string, Tensor>;
  signal: AbortSignal;
  /** When the job began that it is part of, in milliseconds since the epoch. */
  jobBegunMs: number;
  /** Whether the graph takes several inputs at once along its first dimension. */
  batchable: boolean;
  /** GPU processes that ended while they ran it. */
  crashes: number;
  /** The batch that failed with this run in it, while its runs are tried one by one. */
  failedBatch: FailedBatch | null;
  resolve: (outcome: RunOutcome) => void;
  reject: (error: unknown) => void;
};

/** A batch that failed. If each of its runs succeeds alone, the batch size caused the failure. */
type FailedBatch = { rows: number; left: number; failedAlone: number };

/** Outputs of one run; `ms` is its share of the batch that it was part of. */
export type RunOutcome = { outputs: Record<string, Tensor>; ms: number; provider: OnnxProvider; degraded: boolean };

/**
 * The runs that wait for a lane, those of older jobs before those of newer ones. A batch is formed when a lane asks for
 * work, so it grows while the last one runs.
 *
 * In the order in which they came, all first runs would go before any second one: jobs would move through their stages
 * together, and the lane stand still while all of them are in geometry.
 */
export class Batcher {
  #waiting: PendingRun[] = [];

  get depth(): number {
    return this.#waiting.length;
  }

  add(run: PendingRun): void {
    const behind = this.#waiting.findLastIndex(({ jobBegunMs }) => jobBegunMs <= run.jobBegunMs);
    this.#waiting.splice(behind + 1, 0, run);
  }

  remove(run: PendingRun): void {
    this.#waiting = this.#waiting.filter((waiting) => waiting !== run);
  }

  /** Takes every run of which `gone` is true. */
  takeAll(gone: (run: PendingRun) => boolean): PendingRun[] {
    const taken = this.#waiting.filter(gone);
    this.#waiting = this.#waiting.filter((run) => !gone(run));
    return taken;
  }

  /**
   * Takes the first run that `accepts` allows and, up to `maximum` rows, later ones of the same graph and shape; with
   * `full`, none unless the batch could not grow any more.
   */
  next(
    accepts: (run: PendingRun) => boolean,
    maximum: (run: PendingRun) => number,
    { full }: { full: boolean } = { full: false },
  ): PendingRun[] {
    const oldest = this.#waiting.find((run) => !run.signal.aborted && accepts(run));
    if (oldest === undefined) return [];
    const batch = [oldest];
    if (oldest.batchable) {
      const shape = shapeOf(oldest);
      let rows = rowsOf(oldest);
      for (const run of this.#waiting) {
        if (run === oldest || !run.batchable || run.signal.aborted || shapeOf(run) !== shape) continue;
        if (rows + rowsOf(run) > maximum(oldest)) break;
        batch.push(run);
        rows += rowsOf(run);
      }
      if (full && rows < maximum(oldest)) return [];
    }
    const taken = new Set(batch);
    this.#waiting = this.#waiting.filter((run) => !taken.has(run) && !run.signal.aborted);
    return batch;
  }
}

/** The inputs of a batch's runs, one after another along the first dimension. */
export function joinInputs(batch: readonly PendingRun[]): Record<string, Tensor> {
  const [first] = batch;
  if (first === undefined || batch.length === 1) return first?.inputs ?? {};
  return Object.fromEntries(Object.keys(first.inputs).map((name) => [name, joined(batch, name)]));
}

/** The outputs of each run of a batch, cut from the batch's; throws when the graph lost a row. */
export function splitOutputs(batch: readonly PendingRun[], outputs: Record<string, Tensor>): Record<string, Tensor>[] {
  if (batch.length === 1) return [outputs];
  const rows = batch.map(rowsOf);
  const total = rows.reduce((sum, count) => sum + count, 0);
  let start = 0;
  return rows.map((count) => {
    const cut = Object.entries(outputs).map(([name, { data, dims }]) => {
      if (dims[0] !== total) throw new Error(`output "${name}" has ${dims[0]} rows for a batch of ${total}`);
      const row = data.length / total;
      return [name, { data: data.slice(start * row, (start + count) * row), dims: [count, ...dims.slice(1)] }];
    });
    start += count;
    return Object.fromEntries(cut) as Record<string, Tensor>;
  });
}

/** Rows of a run along the first dimension. */
export function rowsOf(run: PendingRun): number {
  return Object.values(run.inputs)[0]?.dims[0] ?? 1;
}

function joined(batch: readonly PendingRun[], name: string): Tensor {
  const parts = batch.flatMap((run) => run.inputs[name] ?? []);
  const data = new Float32Array(parts.reduce((sum, part) => sum + part.data.length, 0));
  let offset = 0;
  for (const part of parts) {
    data.set(part.data, offset);
    offset += part.data.length;
  }
  const rows = parts.reduce((sum, part) => sum + (part.dims[0] ?? 0), 0);
  return { data, dims: [rows, ...(parts[0]?.dims.slice(1) ?? [])] };
}

function shapeOf(run: PendingRun): string {
  const inputs = Object.entries(run.inputs).map(([name, { dims }]) => `${name}:${dims.slice(1).join('x')}`);
  return `${run.model.digest} ${run.graph} ${inputs.join(' ')}`;
}
