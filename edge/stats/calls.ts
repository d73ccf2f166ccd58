import type { Report } from '../../contract/report.ts';
import type { Objects, Stub } from '../objects.ts';
import type { BatchId } from './batcher.ts';
import type { Counts } from './counts.ts';

/** A failed mesh, an internal error, or a job that an origin lost. */
export type Failure = {
  atMs: number;
  code: string;
  message: string;
  /** The internal cause, if known. */
  cause: string | null;
  /** Request key of the mesh. */
  key: string | null;
  originId: string | null;
};

/** What one isolate recorded in about a second. */
export type StatsBatch = {
  beganAtMs: number;
  counts: Counts;
  /** Latest state of each flight that began or ended, by key. */
  flights: Map<string, 'open' | 'ended'>;
  failures: Failure[];
};

/** An origin as it last reported. */
export type ReportedOrigin = { id: string; atMs: number; report: Report };

/** Widths of the time buckets. */
export type BucketWidth = 'minute' | 'hour';

/** Current values for a page or a scrape, from one call. */
export type StatsNow = {
  /** Counters since the beginning. */
  totals: Counts;
  flightsOpen: number;
  origins: ReportedOrigin[];
  /** Number of counters that were dropped because there were too many. */
  countersLeftOut: number;
};

/** Steps of equal length from a start time, and the width of the buckets they are summed from. */
export type HistoryQuery = { beganMs: number; stepMs: number; steps: number; width: BucketWidth };

/** Counts for each step, and the failures since the first step began. */
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
