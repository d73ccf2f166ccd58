import type { Report } from '../../contract/report.ts';
import { addAll, type Counts } from './counts.ts';
import type { BucketWidth, Failure, ReportedOrigin } from './calls.ts';
import { LastBatches } from './last-batches.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** Bucket widths and how long each kind is kept, in milliseconds: at most 1,500 and 840 rows. */
const bucketKinds = {
  minute: { widthMs: minuteMs, keptMs: 25 * hourMs },
  hour: { widthMs: hourMs, keptMs: 35 * 24 * hourMs },
} as const satisfies Record<BucketWidth, { widthMs: number; keptMs: number }>;

/** What was counted in the minute or hour from `fromMs` on. */
export type Bucket = { fromMs: number; counts: Counts };

/** Most counters in one bucket and in the totals. Some 250 are in use. */
const countersMax = 2000;

/** Failures that are kept; the oldest go first. */
const failuresMax = 200;

/** Flights that are kept as open; the oldest go first. */
const flightsMax = 100_000;

/** A flight whose end was never heard counts as open this long, in milliseconds: a little more than a flight's life. */
const flightMsMax = 7 * hourMs;

/** How long an origin may be silent before its report is forgotten. */
const originMs = 24 * hourMs;

/** How often old rows are deleted, in milliseconds. */
const sweepMs = minuteMs;

/** The SQLite storage of the Stats object. Each set of counters is one row, so a batch costs few row writes. */
export class StatsStore {
  /** Tells a batch that comes again. */
  readonly batches: LastBatches;
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;
  #sweptAtMs = -Infinity;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
    this.batches = new LastBatches(storage.sql, 'recorders');
    this.#sql.exec(`
      CREATE TABLE IF NOT EXISTS totals (id INTEGER PRIMARY KEY CHECK (id = 1), counts TEXT NOT NULL, left_out INTEGER NOT NULL);
      INSERT OR IGNORE INTO totals VALUES (1, '[]', 0);
      CREATE TABLE IF NOT EXISTS buckets
        (width TEXT NOT NULL, from_ms INTEGER NOT NULL, counts TEXT NOT NULL, PRIMARY KEY (width, from_ms)) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS flights (key TEXT PRIMARY KEY, at_ms INTEGER NOT NULL);
      CREATE TABLE IF NOT EXISTS failures
        (sequence INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, failure TEXT NOT NULL);
      CREATE TABLE IF NOT EXISTS origins (id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, report TEXT NOT NULL);
    `);
  }

  /** All of these changes or, when it throws, none. */
  atomically(change: () => void): void {
    this.#storage.transactionSync(change);
  }

  /** Adds to the totals and to the buckets of this time. */
  add(counts: Counts, atMs: number): void {
    this.#addToTotals(counts);
    for (const width of ['minute', 'hour'] as const) {
      const fromMs = Math.floor(atMs / bucketKinds[width].widthMs) * bucketKinds[width].widthMs;
      const bucket = this.#bucket(width, fromMs);
      addAll(bucket, counts, countersMax);
      this.#sql.exec('INSERT OR REPLACE INTO buckets VALUES (?, ?, ?)', width, fromMs, textOf(bucket));
    }
    this.#sweep();
  }

  totals(): Counts {
    return countsOf(this.#sql.exec<{ counts: string }>('SELECT counts FROM totals').one().counts);
  }

  countersLeftOut(): number {
    return this.#sql.exec<{ left_out: number }>('SELECT left_out FROM totals').one().left_out;
  }

  buckets(width: BucketWidth, fromMs: number): Bucket[] {
    return this.#sql
      .exec<{ from_ms: number; counts: string }>(
        'SELECT from_ms, counts FROM buckets WHERE width = ? AND from_ms >= ? ORDER BY from_ms',
        width,
        fromMs,
      )
      .toArray()
      .map((row) => ({ fromMs: row.from_ms, counts: countsOf(row.counts) }));
  }

  setFlight(key: string, is: 'open' | 'ended'): void {
    if (is === 'open') this.#sql.exec('INSERT OR REPLACE INTO flights VALUES (?, ?)', key, Date.now());
    else this.#sql.exec('DELETE FROM flights WHERE key = ?', key);
  }

  flightsOpen(): number {
    return this.#sql.exec<{ open: number }>('SELECT count(*) AS open FROM flights').one().open;
  }

  keepFailures(failures: readonly Failure[]): void {
    for (const failure of failures) {
      this.#sql.exec('INSERT INTO failures (at_ms, failure) VALUES (?, ?)', failure.atMs, JSON.stringify(failure));
    }
    if (failures.length === 0) return;
    this.#sql.exec('DELETE FROM failures WHERE sequence <= (SELECT max(sequence) FROM failures) - ?', failuresMax);
  }

  /** Failures since this time, the newest first. */
  failures(fromMs: number): Failure[] {
    return this.#sql
      .exec<{ failure: string }>('SELECT failure FROM failures WHERE at_ms >= ? ORDER BY sequence DESC', fromMs)
      .toArray()
      .map((row) => JSON.parse(row.failure) as Failure);
  }

  setOrigin({ id, atMs, report }: ReportedOrigin): void {
    this.#sql.exec('INSERT OR REPLACE INTO origins VALUES (?, ?, ?)', id, atMs, JSON.stringify(report));
  }

  origins(): ReportedOrigin[] {
    return this.#sql
      .exec<{ id: string; at_ms: number; report: string }>('SELECT * FROM origins ORDER BY id')
      .toArray()
      .map((row) => ({ id: row.id, atMs: row.at_ms, report: JSON.parse(row.report) as Report }));
  }

  #addToTotals(counts: Counts): void {
    const totals = this.totals();
    const leftOut = addAll(totals, counts, countersMax);
    this.#sql.exec('UPDATE totals SET counts = ?, left_out = left_out + ?', textOf(totals), leftOut);
  }

  #bucket(width: BucketWidth, fromMs: number): Counts {
    const row = this.#sql
      .exec<{ counts: string }>('SELECT counts FROM buckets WHERE width = ? AND from_ms = ?', width, fromMs)
      .toArray()[0];
    return row === undefined ? new Map() : countsOf(row.counts);
  }

  #sweep(): void {
    const now = Date.now();
    if (Math.abs(now - this.#sweptAtMs) < sweepMs) return;
    this.#sweptAtMs = now;
    for (const width of ['minute', 'hour'] as const) {
      const beforeMs = now - bucketKinds[width].keptMs;
      this.#sql.exec('DELETE FROM buckets WHERE width = ? AND from_ms < ?', width, beforeMs);
    }
    this.batches.sweep();
    this.#sql.exec('DELETE FROM origins WHERE at_ms < ?', now - originMs);
    this.#sql.exec('DELETE FROM flights WHERE at_ms < ?', now - flightMsMax);
    this.#sql.exec(
      'DELETE FROM flights WHERE key IN (SELECT key FROM flights ORDER BY at_ms DESC LIMIT -1 OFFSET ?)',
      flightsMax,
    );
  }
}

function textOf(counts: Counts): string {
  return JSON.stringify([...counts]);
}

function countsOf(text: string): Counts {
  return new Map(JSON.parse(text) as [string, number][]);
}
