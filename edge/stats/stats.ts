import { DurableObject } from 'cloudflare:workers';
import type { Report } from '../../contract/report.ts';
import type { HistoryQuery, StatsBatch, StatsCalls, StatsHistory, StatsNow } from './calls.ts';
import type { BatchId } from './batcher.ts';
import { add, addAll, counterKey, type Counts } from './counts.ts';
import { reportCounts } from './report-counts.ts';
import { StatsStore } from './stats-store.ts';

/** Least time between two counts of open flights, in milliseconds. */
const flightSampleMs = 5_000;

/** Counters of the whole service: totals, buckets over time, what origins reported. One object for all. */
export class Stats extends DurableObject<object> implements StatsCalls {
  readonly #store: StatsStore;
  #flightsSampledAtMs = -Infinity;

  constructor(state: DurableObjectState, env: object) {
    super(state, env);
    this.#store = new StatsStore(state.storage);
  }

  take(batch: StatsBatch, id: BatchId): void {
    this.#store.atomically(() => {
      if (!this.#store.batches.isNew(id)) return;
      for (const [key, is] of batch.flights) this.#store.setFlight(key, is);
      this.#store.keepFailures(batch.failures);
      this.#store.add(this.#withFlightSample(batch.counts), batch.beganAtMs);
    });
  }

  report(originId: string, report: Report): void {
    this.#store.atomically(() => {
      const now = Date.now();
      const last = this.#store.origins().find(({ id }) => id === originId) ?? null;
      this.#store.setOrigin({ id: originId, atMs: now, report });
      this.#store.add(this.#withFlightSample(reportCounts({ id: originId, atMs: now, report }, last)), now);
    });
  }

  now(): StatsNow {
    return {
      totals: this.#store.totals(),
      flightsOpen: this.#store.flightsOpen(),
      origins: this.#store.origins(),
      countersLeftOut: this.#store.countersLeftOut(),
    };
  }

  history({ beganMs, stepMs, steps, width }: HistoryQuery): StatsHistory {
    const counted = Array.from({ length: steps }, (): Counts => new Map());
    for (const { fromMs, counts } of this.#store.buckets(width, beganMs)) {
      const step = counted[Math.floor((fromMs - beganMs) / stepMs)];
      if (step !== undefined) addAll(step, counts);
    }
    return { ...this.now(), steps: counted, failures: this.#store.failures(beganMs) };
  }

  #withFlightSample(counts: Counts): Counts {
    const now = Date.now();
    if (Math.abs(now - this.#flightsSampledAtMs) < flightSampleMs) return counts;
    this.#flightsSampledAtMs = now;
    add(counts, counterKey('flightSamples', []));
    add(counts, counterKey('flightsOpen', []), this.#store.flightsOpen());
    return counts;
  }
}
