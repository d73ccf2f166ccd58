import type { Report } from '../../contract/report.ts';
import type { Objects, Stub } from '../objects.ts';
import type { BatchId } from './batcher.ts';
import type { Counts } from './counts.ts';

/** A mesh that could not be made, a request that failed inside, or an origin that lost a job. */
export type Failure = {
  atMs: number;
  code: string;
  message: string;
  /** What happened inside, as far as it is known. */
  cause: string | null;
  /** Request key of the mesh that it is about. */
  key: string | null;
  originId: string | null;
};

/** What one isolate recorded in about a second. */
export type StatsBatch = {
  beganAtMs: number;
  counts: Counts;
  /** Flights that began or ended, by their keys; the last word on each. */
  flights: Map<string, 'open' | 'ended'>;
  failures: Failure[];
};

/** An origin as it last reported. */
export type ReportedOrigin = { id: string; atMs: number; report: Report };

/** Widths of the buckets that counters over time are kept in. */
export type BucketWidth = 'minute' | 'hour';

/** Everything that a page or a scrape shows of this moment, from one call. */
export type StatsNow = {
  /** Counters since the beginning. */
  totals: Counts;
  flightsOpen: number;
  origins: ReportedOrigin[];
  /** Counters that were not kept, since there were too many different ones. */
  countersLeftOut: number;
};

/** Steps of equal length from a time on, and the width of the buckets that each is made of. */
export type HistoryQuery = { beganMs: number; stepMs: number; steps: number; width: BucketWidth };

/** What was counted in each step, and what failed since the first began. */
export type StatsHistory = StatsNow & { steps: Counts[]; failures: Failure[] };

/** Where the one Stats object is. */
export type StatsObjects = Objects<StatsCalls>;

/** The one Stats object. */
export function theStats(stats: StatsObjects): Stub<StatsCalls> {
  return stats.getByName('stats');
}

/** The calls of the Stats object. */
export type StatsCalls = {
  /** Adds a batch, once: a repeat changes nothing. */
  take(batch: StatsBatch, id: BatchId): void;

  /** Adds what an origin reported, and keeps the report itself until the next. */
  report(originId: string, report: Report): void;

  /** The counters as they stand. */
  now(): StatsNow;

  /** As `now`, with what was counted over time. */
  history(query: HistoryQuery): StatsHistory;
};
