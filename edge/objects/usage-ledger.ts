import type { BatchId } from '../stats/batcher.ts';
import type { UsageCounts, UsageDay } from '../usage/usage-counts.ts';
import { dayOf } from './ledger.ts';

/** Days that a tenant's usage is kept. */
const daysKept = 400;

/** An isolate that delivered nothing for so long, in milliseconds, offers no old batch again. */
const recorderKeptMs = 24 * 3600 * 1000;

const dayMs = 24 * 3600 * 1000;

const columns = ['requests', 'hitsMemory', 'hitsKv', 'hitsR2', 'misses', 'joined', 'gpuMsSaved'] as const;

/** What one tenant asked for, by UTC day. */
export class UsageLedger {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#sql.exec(`
      CREATE TABLE IF NOT EXISTS usage
        (date TEXT PRIMARY KEY, ${columns.map((column) => `${column} REAL NOT NULL DEFAULT 0`).join(', ')});
      CREATE TABLE IF NOT EXISTS usage_recorders (id TEXT PRIMARY KEY, sequence INTEGER NOT NULL, at_ms INTEGER NOT NULL);
    `);
  }

  /** Adds what an isolate recorded; a batch that comes again changes nothing. */
  take({ counts, atMs, id }: { counts: UsageCounts; atMs: number; id: BatchId }): void {
    const now = Date.now();
    const taken = this.#sql.exec(
      `INSERT INTO usage_recorders VALUES (?, ?, ?) ON CONFLICT (id)
       DO UPDATE SET sequence = excluded.sequence, at_ms = excluded.at_ms WHERE excluded.sequence > sequence RETURNING id`,
      id.recorder,
      id.sequence,
      now,
    );
    if (taken.toArray().length === 0) return;
    this.#sql.exec(
      `INSERT INTO usage (date, ${columns.join()}) VALUES (?, ${columns.map(() => '?').join()})
       ON CONFLICT (date) DO UPDATE SET ${columns.map((column) => `${column} = ${column} + excluded.${column}`).join()}`,
      dayOf(atMs),
      ...columns.map((column) => counts[column]),
    );
    this.#sql.exec('DELETE FROM usage_recorders WHERE at_ms < ?', now - recorderKeptMs);
    this.#sql.exec('DELETE FROM usage WHERE date < ?', dayOf(now - daysKept * dayMs));
  }

  /** The days of a range, both ends included, that anything is known of; the oldest first. */
  days({ from, to }: { from: string; to: string }): Omit<UsageDay, 'gpuMsSpent'>[] {
    const query = 'SELECT * FROM usage WHERE date BETWEEN ? AND ? ORDER BY date';
    return this.#sql.exec<Omit<UsageDay, 'gpuMsSpent'>>(query, from, to).toArray();
  }
}
