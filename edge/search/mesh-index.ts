import type { MeshManifest } from '../../contract/mesh.ts';
import { worth } from './worth.ts';
import { tagEntry, type Entries } from '../store/index-entries.ts';
import type { Stores } from '../store/stores.ts';
import type { Surfaces } from '../store/surfaces.ts';
import { costOf, rowColumns, rowOf, type MeshRow } from './mesh-row.ts';
import { createTables } from './schema.ts';

/** Meshes of one surface whose rows are written when it comes; more share it than anybody asks formats of. */
const meshesOfSurfaceMax = 100;

const clockName = 'eviction_clock';

/** A mesh that may be evicted. */
export type Candidate = { key: string; bytes: number; gpuMs: number; uses: number; worth: number };

/**
 * The index of all meshes in D1, for what must be searched, counted or sorted. R2 is the truth: a row may be missing or
 * left behind, and whoever acts on one looks at R2 first.
 */
export class MeshIndex {
  readonly #db: D1Database;
  readonly #entries: Entries;
  readonly #surfaces: Surfaces;
  #hasTables = false;

  constructor({ db, entries, surfaces }: { db: D1Database } & Pick<Stores, 'entries' | 'surfaces'>) {
    this.#db = db;
    this.#entries = entries;
    this.#surfaces = surfaces;
  }

  /** The database with its tables, which are made with the first use in an isolate. */
  async open(): Promise<D1Database> {
    if (!this.#hasTables) await createTables(this.#db);
    this.#hasTables = true;
    return this.#db;
  }

  /** Writes the row of a manifest that is stored. A failure is logged: `index rebuild` makes it good. */
  async add(manifest: MeshManifest): Promise<void> {
    await forgiven('index_row_not_written', async () => this.write([await rowOf(manifest, this.#surfaces)]));
  }

  /** Writes rows; what is known of their uses stays. */
  async write(rows: readonly MeshRow[]): Promise<void> {
    if (rows.length === 0) return;
    const db = await this.open();
    const clock = await this.clock();
    const columns = [...rowColumns, 'uses', 'last_used_at', 'worth'];
    const updates = [...rowColumns.slice(1), 'worth'].map((column) => `${column} = excluded.${column}`);
    const statement = db.prepare(
      `INSERT INTO meshes (${columns.join()}) VALUES (${columns.map(() => '?').join()})
       ON CONFLICT (key) DO UPDATE SET ${updates.join()}`,
    );
    await db.batch(
      rows.map((row) => {
        const value = worth(clock, { ...costOf(row), uses: 1 });
        return statement.bind(...rowColumns.map((column) => row[column]), 1, row.created_at, value);
      }),
    );
  }

  /**
   * Writes the size of a surface into the rows of its meshes, which are there before it. A failure is logged: `index
   * rebuild` makes it good.
   */
  async noteSurface(geometryKey: string, bytes: number): Promise<void> {
    await forgiven('index_surface_not_written', async () => {
      const { keys } = await this.#entries.keys({ by: 'geometry', value: geometryKey, max: meshesOfSurfaceMax });
      const rows = await this.#rows(keys);
      if (rows.length === 0) return;
      const db = await this.open();
      const clock = await this.clock();
      const statement = db.prepare('UPDATE meshes SET geometry_bytes = ?, worth = ? WHERE key = ?');
      await db.batch(
        rows.map((row) => {
          const value = worth(clock, { ...costOf({ ...row, geometry_bytes: bytes }), uses: row.uses });
          return statement.bind(bytes, value, row.key);
        }),
      );
    });
  }

  /** Attaches tags to a mesh, made or not: in R2 first, whose failure is thrown, then here. */
  async tag(key: string, tags: readonly string[]): Promise<void> {
    await Promise.all(tags.map((tag) => this.#entries.writeTag({ tag, key })));
    await forgiven('index_tags_not_written', () =>
      this.writeTags(tags.map((tag) => ({ name: tagEntry({ tag, key }), tag, key }))),
    );
  }

  /** Writes rows of tags whose entries are in R2. */
  async writeTags(rows: readonly { name: string; tag: string; key: string }[]): Promise<void> {
    if (rows.length === 0) return;
    const db = await this.open();
    const statement = db.prepare('INSERT OR IGNORE INTO tags (name, tag, key) VALUES (?, ?, ?)');
    await db.batch(rows.map(({ name, tag, key }) => statement.bind(name, tag, key)));
  }

  /** Forgets meshes that are gone, their tags in R2 too. A failure is logged: what is left behind means nothing. */
  async forget(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    await forgiven('index_rows_not_removed', async () => {
      const db = await this.open();
      const list = JSON.stringify(keys);
      const of = 'key IN (SELECT value FROM json_each(?))';
      const { results } = await db.prepare(`SELECT name FROM tags WHERE ${of}`).bind(list).all<{ name: string }>();
      const names = results.map(({ name }) => name);
      await this.#entries.removeTags(names);
      await db.batch(['tags', 'meshes'].map((table) => db.prepare(`DELETE FROM ${table} WHERE ${of}`).bind(list)));
    });
  }

  /** Removes rows that R2 knows nothing of; tags may be those of a mesh that is being made. */
  async removeRows(keys: readonly string[]): Promise<void> {
    const db = await this.open();
    const list = JSON.stringify(keys);
    await db.prepare('DELETE FROM meshes WHERE key IN (SELECT value FROM json_each(?))').bind(list).run();
  }

  /** Adds uses by their keys and lifts what they are worth; at most as many keys as D1 takes statements in a batch. */
  async addUses(uses: ReadonlyMap<string, number>, atSeconds: number): Promise<void> {
    const rows = await this.#rows([...uses.keys()]);
    if (rows.length === 0) return;
    const db = await this.open();
    const clock = await this.clock();
    const statement = db.prepare(
      'UPDATE meshes SET uses = uses + ?, worth = ?, last_used_at = MAX(last_used_at, ?) WHERE key = ?',
    );
    await db.batch(
      rows.map((row) => {
        const added = uses.get(row.key) ?? 0;
        const value = worth(clock, { ...costOf(row), uses: row.uses + added });
        return statement.bind(added, value, atSeconds, row.key);
      }),
    );
  }

  /** The clock of the eviction, which grows with what was evicted. */
  async clock(): Promise<number> {
    return Number((await this.readState(clockName)) ?? 0);
  }

  async setClock(clock: number): Promise<void> {
    await this.writeState(clockName, String(clock));
  }

  /** A small text that a sweep keeps from one run to the next. */
  async readState(name: string): Promise<string | null> {
    const db = await this.open();
    return db.prepare('SELECT value FROM state WHERE name = ?').bind(name).first<string>('value');
  }

  async writeState(name: string, value: string): Promise<void> {
    const db = await this.open();
    await db.prepare('INSERT OR REPLACE INTO state (name, value) VALUES (?, ?)').bind(name, value).run();
  }

  /** Keys of meshes that expired before this time, the oldest first. */
  async expiredKeys({ beforeSeconds, max }: { beforeSeconds: number; max: number }): Promise<string[]> {
    const db = await this.open();
    const { results } = await db
      .prepare('SELECT key FROM meshes WHERE expires_at < ? ORDER BY expires_at LIMIT ?')
      .bind(beforeSeconds, max)
      .all<{ key: string }>();
    return results.map(({ key }) => key);
  }

  /** Bytes of blobs and surfaces of the meshes that do not expire before this time; takes a scan of the table. */
  async keptBytes(untilSeconds: number): Promise<number> {
    const db = await this.open();
    const bytes = await db
      .prepare(
        `WITH kept AS (SELECT * FROM meshes WHERE expires_at IS NULL OR expires_at > ?)
         SELECT (SELECT COALESCE(SUM(bytes), 0) FROM kept) +
           (SELECT COALESCE(SUM(size), 0) FROM
             (SELECT MAX(geometry_bytes) AS size FROM kept WHERE geometry_key IS NOT NULL GROUP BY geometry_key))
         AS bytes`,
      )
      .bind(untilSeconds)
      .first<number>('bytes');
    return bytes ?? 0;
  }

  /** The least worthy of the meshes that do not expire before this time. */
  async candidates({ untilSeconds, max }: { untilSeconds: number; max: number }): Promise<Candidate[]> {
    const db = await this.open();
    const { results } = await db
      .prepare('SELECT * FROM meshes WHERE expires_at IS NULL OR expires_at > ? ORDER BY worth LIMIT ?')
      .bind(untilSeconds, max)
      .all<MeshRow & { uses: number; worth: number }>();
    return results.map((row) => ({ key: row.key, ...costOf(row), uses: row.uses, worth: row.worth }));
  }

  /** Rows for the keys that exist. */
  async #rows(keys: readonly string[]): Promise<(MeshRow & { uses: number })[]> {
    const db = await this.open();
    const statement = db.prepare('SELECT * FROM meshes WHERE key IN (SELECT value FROM json_each(?))');
    return (await statement.bind(JSON.stringify(keys)).all<MeshRow & { uses: number }>()).results;
  }
}

/** Runs best-effort work. A failure is logged and goes no further. */
async function forgiven(event: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    console.error(JSON.stringify({ event, error: String(error) }));
  }
}
