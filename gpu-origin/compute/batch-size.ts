/** Full batches at one size before another is tried, and the most after tries that brought nothing. */
const runsBetweenTrialsMin = 4;
const runsBetweenTrialsMax = 1024;

/** Batches that a trial takes; the first is not counted, since a device prepares for a new shape then. */
const trialRuns = 4;

/** A larger batch must save this share of the time a row, for it makes each of its rows wait longer. */
const gainMin = 0.03;

/** Weight of the newest batch in a size's running average. */
const newestWeight = 0.3;

/**
 * The size up to which batches of one graph are formed, found by climbing: it begins at 1, tries the sizes beside the
 * present one now and then, and stays where a row takes least time. Only full batches count as evidence.
 */
export class BatchSize {
  /** Powers of two up to the maximum, which is the last; shortened when a size turns out to need too much memory. */
  readonly #sizes: number[];
  readonly #msPerRow = new Map<number, number>();
  #best = 0;
  #trial: { index: number; runs: number } | null = null;
  #runsSinceTrial = 0;
  #runsBetweenTrials = runsBetweenTrialsMin;
  #triedLarger = false;

  constructor(maximum: number) {
    this.#sizes = [];
    for (let size = 1; size < maximum; size *= 2) this.#sizes.push(size);
    this.#sizes.push(maximum);
  }

  /** Rows that the next batch may have. */
  get limit(): number {
    return this.#sizes[this.#trial?.index ?? this.#best] ?? 1;
  }

  /** Takes a batch that was run, with the time from giving it away to having its outputs. */
  record(rows: number, ms: number): void {
    const index = this.#sizes.indexOf(rows);
    if (this.#trial !== null && index === this.#trial.index) {
      this.#trial.runs += 1;
      if (this.#trial.runs > 1) this.#average(rows, ms / rows);
      if (this.#trial.runs === trialRuns) this.#judge(index);
    } else if (this.#trial === null && index === this.#best) {
      this.#runsSinceTrial += 1;
      if (this.#runsSinceTrial > 1) this.#average(rows, ms / rows);
      if (this.#runsSinceTrial >= this.#runsBetweenTrials) this.#startTrial();
    }
  }

  /** Takes it that a batch of so many rows failed though each row alone did not: there is not the memory for it. */
  tooLarge(rows: number): void {
    const fitting = Math.max(1, this.#sizes.filter((size) => size < rows).length);
    this.#sizes.length = Math.min(this.#sizes.length, fitting);
    this.#best = Math.min(this.#best, fitting - 1);
    this.#trial = null;
  }

  #startTrial(): void {
    const larger = this.#best + 1 < this.#sizes.length;
    const smaller = this.#best > 0;
    this.#runsSinceTrial = 0;
    if (!larger && !smaller) return;
    this.#triedLarger = larger && (!smaller || !this.#triedLarger);
    const index = this.#best + (this.#triedLarger ? 1 : -1);
    // What was measured long ago may not hold any more.
    this.#msPerRow.delete(this.#sizes[index] ?? 0);
    this.#trial = { index, runs: 0 };
  }

  #judge(index: number): void {
    const present = this.#measured(this.#best);
    const tried = this.#measured(index);
    const better = index > this.#best ? tried < present * (1 - gainMin) : tried <= present * (1 + gainMin / 2);
    this.#trial = null;
    if (!better) {
      this.#runsBetweenTrials = Math.min(this.#runsBetweenTrials * 2, runsBetweenTrialsMax);
      return;
    }
    // Climb on in the same direction.
    this.#triedLarger = index < this.#best;
    this.#best = index;
    this.#runsBetweenTrials = runsBetweenTrialsMin;
  }

  #measured(index: number): number {
    return this.#msPerRow.get(this.#sizes[index] ?? 0) ?? Infinity;
  }

  #average(rows: number, msPerRow: number): void {
    const before = this.#msPerRow.get(rows) ?? msPerRow;
    this.#msPerRow.set(rows, before + newestWeight * (msPerRow - before));
  }
}

/** The batch sizes of every graph that has been run, by name and content of its model. */
export class BatchSizes {
  readonly #sizes = new Map<string, { model: string; graph: string; size: BatchSize }>();

  of(model: { id: string; digest: string; manifest: { batch: { maximum: number } } }, graph: string): BatchSize {
    const name = `${model.digest} ${graph}`;
    const known = this.#sizes.get(name);
    if (known !== undefined) return known.size;
    const size = new BatchSize(model.manifest.batch.maximum);
    this.#sizes.set(name, { model: model.id, graph, size });
    return size;
  }

  /** The present limits, for the metrics. */
  limits(): { model: string; graph: string; limit: number }[] {
    return [...this.#sizes.values()].map(({ model, graph, size }) => ({ model, graph, limit: size.limit }));
  }
}
