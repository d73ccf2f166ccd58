import { removalsPerAnswerMax, type Removals } from '../../contract/removals.ts';

/** Removals that are kept, about 2 MiB; an origin that was away for more is told to forget all that it has. */
export const removalsKeptMax = 20_000;

/** The place before the first removal of all. */
const startKey = 'removals_begin';

/**
 * The surfaces that were removed from R2, in order, for origins to forget too. Each origin knows how far it has come, so
 * nothing is kept of origins here, and one that was down goes on where it was. Places follow one another from the time
 * in milliseconds at which the log was begun: with less than a thousand removals a second, a log that was lost and begun
 * anew uses none of them again.
 */
export class RemovalLog {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    storage.sql.exec('CREATE TABLE IF NOT EXISTS removals (place INTEGER PRIMARY KEY, surface TEXT NOT NULL)');
    if (storage.kv.get(startKey) === undefined) storage.kv.put(startKey, Date.now());
  }

  /** The place of the last removal. */
  get end(): number {
    const row = this.#storage.sql.exec<{ end: number | null }>('SELECT MAX(place) AS end FROM removals').one();
    return row.end ?? this.#start;
  }

  /** Costs the same however long the list is: this object also spends the nonce of each signed call. */
  add(surfaces: readonly string[]): void {
    const { sql } = this.#storage;
    let place = this.end;
    for (const surface of surfaces) sql.exec('INSERT INTO removals VALUES (?, ?)', ++place, surface);
    sql.exec('DELETE FROM removals WHERE place <= ?', place - removalsKeptMax);
  }

  /** What was removed after a place, the first of it where it is much. */
  after(place: number): Removals {
    if (place < Math.max(this.#start, this.end - removalsKeptMax)) return { to: this.end, all: true, surfaces: [] };
    const rows = this.#storage.sql
      .exec<{ place: number; surface: string }>(
        'SELECT * FROM removals WHERE place > ? ORDER BY place LIMIT ?',
        place,
        removalsPerAnswerMax,
      )
      .toArray();
    return { to: rows.at(-1)?.place ?? this.end, all: false, surfaces: rows.map(({ surface }) => surface) };
  }

  get #start(): number {
    return this.#storage.kv.get<number>(startKey) ?? 0;
  }
}
