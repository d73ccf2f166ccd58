import { removalsPerAnswerMax, type Removals } from '../../contract/removals.ts';

/** Removals that are kept, about 2 MiB; an origin that was away for more is told to forget all that it has. */
export const removalsKeptMax = 20_000;

/** Where the list begins: a removal before it may have been forgotten here. */
const beginKey = 'removals_begin';

/**
 * The surfaces that were removed from R2, in order, for origins to forget too. Each origin knows how far it has come, so
 * nothing is kept of origins here, and one that was down goes on where it was. Places are drawn from the clock: none
 * comes again, not even in another log.
 */
export class RemovalLog {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    storage.sql.exec('CREATE TABLE IF NOT EXISTS removals (place INTEGER PRIMARY KEY, surface TEXT NOT NULL)');
    if (storage.kv.get(beginKey) === undefined) storage.kv.put(beginKey, Date.now());
  }

  /** The place of the last removal. */
  get end(): number {
    const row = this.#storage.sql.exec<{ end: number | null }>('SELECT MAX(place) AS end FROM removals').one();
    return row.end ?? this.#begin;
  }

  add(surfaces: readonly string[]): void {
    const { sql, kv } = this.#storage;
    let place = Math.max(Date.now(), this.end + 1);
    for (const surface of surfaces) sql.exec('INSERT INTO removals VALUES (?, ?)', place++, surface);
    const newestFirst = 'SELECT place FROM removals ORDER BY place DESC LIMIT 1 OFFSET ?';
    const [forgotten] = sql.exec<{ place: number }>(newestFirst, removalsKeptMax).toArray();
    if (forgotten === undefined) return;
    kv.put(beginKey, forgotten.place);
    sql.exec('DELETE FROM removals WHERE place <= ?', forgotten.place);
  }

  /** What was removed after a place, the first of it where it is much. */
  after(place: number): Removals {
    if (place < this.#begin) return { to: this.end, all: true, surfaces: [] };
    const rows = this.#storage.sql
      .exec<{ place: number; surface: string }>(
        'SELECT * FROM removals WHERE place > ? ORDER BY place LIMIT ?',
        place,
        removalsPerAnswerMax,
      )
      .toArray();
    return { to: rows.at(-1)?.place ?? this.end, all: false, surfaces: rows.map(({ surface }) => surface) };
  }

  get #begin(): number {
    return this.#storage.kv.get<number>(beginKey) ?? 0;
  }
}
