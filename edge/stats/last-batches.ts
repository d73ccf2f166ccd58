import type { BatchId } from './batcher.ts';

/** After this many milliseconds without a delivery, an isolate repeats no old batch. */
const recorderKeptMs = 24 * 3600 * 1000;

/** The last batch of each isolate, in a table of the object that counts. A repeated batch counts once. */
export class LastBatches {
  readonly #sql: SqlStorage;
  readonly #table: string;

  constructor(sql: SqlStorage, table: string) {
    this.#sql = sql;
    this.#table = table;
    sql.exec(
      `CREATE TABLE IF NOT EXISTS ${table} (id TEXT PRIMARY KEY, sequence INTEGER NOT NULL, at_ms INTEGER NOT NULL)`,
    );
  }

  /** Records a batch. False if this batch or a later one of its recorder was recorded before. */
  isNew({ recorder, sequence }: BatchId): boolean {
    const written = this.#sql.exec(
      `INSERT INTO ${this.#table} VALUES (?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET sequence = excluded.sequence, at_ms = excluded.at_ms
       WHERE excluded.sequence > sequence RETURNING id`,
      recorder,
      sequence,
      Date.now(),
    );
    return written.toArray().length > 0;
  }

  /** Forgets isolates that are gone. */
  sweep(): void {
    this.#sql.exec(`DELETE FROM ${this.#table} WHERE at_ms < ?`, Date.now() - recorderKeptMs);
  }
}
