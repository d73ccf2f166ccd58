/** Full batches at one size before another is tried, and the most after tries that brought nothing. */
const runsBetweenTrialsMin = 4;
const runsBetweenTrialsMax = 1024;

/**
 * Batches of the present and of the tried size that a trial takes, in turns, so that both have the same neighbours on the
 * machine: at least and at most. It ends at once where every pair says the same. The first pair is not counted, since a
 * device prepares for a new shape then.
 */
const pairsMin = 5;
const pairsMax = 24;

/** A larger batch must save this share of the time a row, for it makes each of its rows wait longer. */
const gainMin = 0.03;

/**
 * The size up to which batches of one graph are formed, found by climbing: it begins at 1, tries the sizes beside the
 * present one now and then, and stays where a row takes least time. Only full batches count as evidence.
 */
export class BatchSize {
  /** Powers of two up to the maximum, which is the last; shortened when a size turns out to need too much memory. */
  readonly #sizes: number[];
  #best = 0;
  #trial: Trial | null = null;
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
    return this.#sizes[this.#next] ?? 1;
  }

  get #next(): number {
    if (this.#trial === null) return this.#best;
    const { index, tried, present } = this.#trial;
    return tried.length <= present.length ? index : this.#best;
  }

  /** Takes a batch that was run, with the time that the lane was taken up by it. */
  record(rows: number, ms: number): void {
    const index = this.#sizes.indexOf(rows);
    if (this.#trial === null) {
      if (index !== this.#best) return;
      this.#runsSinceTrial += 1;
      if (this.#runsSinceTrial >= this.#runsBetweenTrials) this.#startTrial();
      return;
    }
    if (index === this.#trial.index) this.#trial.tried.push(ms / rows);
    else if (index === this.#best) this.#trial.present.push(ms / rows);
    this.#judge(this.#trial);
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
    this.#trial = { index: this.#best + (this.#triedLarger ? 1 : -1), tried: [], present: [] };
  }

  #judge({ index, tried, present }: Trial): void {
    const pairs = Math.min(tried.length, present.length) - 1;
    if (pairs < pairsMin) return;
    const shares = Array.from({ length: pairs }, (_, i) => (tried[i + 1] ?? NaN) / (present[i + 1] ?? NaN));
    // Where sizes are alike the smaller is taken.
    const most = index > this.#best ? 1 - gainMin : 1 + gainMin / 2;
    const wins = shares.filter((share) => share <= most).length;
    if (wins > 0 && wins < pairs && pairs < pairsMax) return;
    this.#trial = null;
    if (wins <= pairs / 2) {
      this.#runsBetweenTrials = Math.min(this.#runsBetweenTrials * 2, runsBetweenTrialsMax);
      return;
    }
    // Climb on in the same direction.
    this.#triedLarger = index < this.#best;
    this.#best = index;
    this.#runsBetweenTrials = runsBetweenTrialsMin;
  }
}

/** Milliseconds a row of the batches of a trial, in their order: of the tried size, and of the present one. */
type Trial = { index: number; tried: number[]; present: number[] };

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
