import type { BatchId } from '../stats/batcher.ts';
import type { UsageCounts, UsageDay } from './usage-counts.ts';
import { dayMs, dayOf } from './utc-day.ts';
import { LastBatches } from '../stats/last-batches.ts';

/** Days that a tenant's usage is kept. */
const daysKept = 400;

const columns = ['requests', 'hitsMemory', 'hitsKv', 'hitsR2', 'misses', 'joined', 'gpuMsSaved'] as const;

/** What one tenant asked for, by UTC day. */
export class UsageLedger {
  readonly #sql: SqlStorage;
  readonly #batches: LastBatches;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#batches = new LastBatches(sql, 'usage_recorders');
    this.#sql.exec(`
      CREATE TABLE IF NOT EXISTS usage
        (date TEXT PRIMARY KEY, ${columns.map((column) => `${column} REAL NOT NULL DEFAULT 0`).join(', ')});
    `);
  }

  /** Adds what an isolate recorded. A repeated batch changes nothing. */
  take({ counts, atMs, id }: { counts: UsageCounts; atMs: number; id: BatchId }): void {
    if (!this.#batches.isNew(id)) return;
    this.#sql.exec(
      `INSERT INTO usage (date, ${columns.join()}) VALUES (?, ${columns.map(() => '?').join()})
       ON CONFLICT (date) DO UPDATE SET ${columns.map((column) => `${column} = ${column} + excluded.${column}`).join()}`,
      dayOf(atMs),
      ...columns.map((column) => counts[column]),
    );
    this.#batches.sweep();
    this.#sql.exec('DELETE FROM usage WHERE date < ?', dayOf(Date.now() - daysKept * dayMs));
  }

  /** The known days of a range, both ends included, oldest first. */
  days({ from, to }: { from: string; to: string }): Omit<UsageDay, 'gpuMsSpent'>[] {
    const query = 'SELECT * FROM usage WHERE date BETWEEN ? AND ? ORDER BY date';
    return this.#sql.exec<Omit<UsageDay, 'gpuMsSpent'>>(query, from, to).toArray();
  }
}
