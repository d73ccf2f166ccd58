import type { BatchId } from './batcher.ts';

/** An isolate that delivered nothing for so long, in milliseconds, offers no old batch again. */
const recorderKeptMs = 24 * 3600 * 1000;

/** The last batch of each isolate, in a table of the object that counts them: one that comes again counts once. */
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

  /** Notes a batch; false when it, or one after it, was noted before. */
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

  /** Forgets the isolates that are no more. */
  sweep(): void {
    this.#sql.exec(`DELETE FROM ${this.#table} WHERE at_ms < ?`, Date.now() - recorderKeptMs);
  }
}
