import type { ListedMesh } from '../tenant/calls.ts';
import type { EventType, MeshEvent } from './event.ts';
import type { Message, Sent } from './send.ts';

/** A URL to tell when the flight of a mesh ends. */
export type Watch = {
  mesh: ListedMesh;
  url: string;
  /** Where assets are served. */
  baseUrl: string;
  /** Given where the request joined a flight that another had started. */
  joined?: true;
};

/** An event and its outcome, as its tenant sees it. Times are in milliseconds. */
export type Delivery = {
  id: string;
  key: string;
  type: EventType;
  url: string;
  state: 'pending' | 'delivered' | 'failed';
  attempts: number;
  createdAtMs: number;
  /** When it is tried next; null when it has ended. */
  dueAtMs: number | null;
  /** Of the last answer; null where there was none. */
  status: number | null;
};

export type DeliveryPage = { deliveries: Delivery[]; hasMore: boolean } | null;

/** Most open rows of a tenant, watches and deliveries together. */
const openMax = 10_000;

/** Deliveries that have ended and are still listed. */
const endedMax = 1000;

/** Pauses before each further attempt, in seconds: eight attempts in about nine hours. */
const pausesSeconds = [5, 30, 120, 600, 1800, 7200, 21_600] as const;

/** Age at which an event is given up, in milliseconds. */
const ageMsMax = 24 * 3600 * 1000;

/** First and longest pause between two checks of a flight whose end was not heard, in milliseconds. */
const lookMsMin = 15_000;
const lookMsMax = 5 * 60_000;

type DeliveryRow = {
  id: string;
  key: string;
  type: EventType;
  url: string;
  body: string;
  state: Delivery['state'];
  attempts: number;
  created_at_ms: number;
  due_at_ms: number | null;
  status: number | null;
};

/** A tenant's open webhooks in SQLite: meshes to watch, and events to deliver. */
export class WebhookStore {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
    this.#sql.exec(`
      CREATE TABLE IF NOT EXISTS watches
        (key TEXT NOT NULL, url TEXT NOT NULL, watch TEXT NOT NULL, looks INTEGER NOT NULL, due_at_ms INTEGER NOT NULL,
         PRIMARY KEY (key, url));
      CREATE TABLE IF NOT EXISTS deliveries
        (sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, key TEXT NOT NULL, type TEXT NOT NULL,
         url TEXT NOT NULL, body TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL,
         created_at_ms INTEGER NOT NULL, due_at_ms INTEGER, status INTEGER);
      CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due_at_ms);
    `);
  }

  /** True when nothing more is accepted until something has ended. */
  get isFull(): boolean {
    const { open } = this.#sql
      .exec<{ open: number }>(
        `SELECT (SELECT count(*) FROM watches) + (SELECT count(*) FROM deliveries WHERE due_at_ms IS NOT NULL) AS open`,
      )
      .one();
    return open >= openMax;
  }

  /** Watches a mesh for a URL. A repeat changes nothing. */
  watch(watch: Watch): void {
    this.#sql.exec(
      'INSERT OR IGNORE INTO watches VALUES (?, ?, ?, 0, ?)',
      watch.mesh.key,
      watch.url,
      JSON.stringify(watch),
      Date.now() + lookMsMin,
    );
    this.wakeUp();
  }

  /** The watches of a mesh. */
  watchesOf(key: string): Watch[] {
    return this.#sql
      .exec<{ watch: string }>('SELECT watch FROM watches WHERE key = ?', key)
      .toArray()
      .map(({ watch }) => JSON.parse(watch) as Watch);
  }

  /** Keys of meshes that are due for a check. Each gets its next due time. */
  keysToLookAt(limit: number): string[] {
    const rows = this.#sql
      .exec<{ key: string; looks: number }>(
        'SELECT key, max(looks) AS looks FROM watches WHERE due_at_ms <= ? GROUP BY key LIMIT ?',
        Date.now(),
        limit,
      )
      .toArray();
    for (const { key, looks } of rows) {
      const pauseMs = Math.min(lookMsMax, lookMsMin * 2 ** (looks + 1));
      this.#sql.exec('UPDATE watches SET looks = looks + 1, due_at_ms = ? WHERE key = ?', Date.now() + pauseMs, key);
    }
    return rows.map(({ key }) => key);
  }

  /** Ends a watch with its event. Does nothing if the watch has ended. */
  end({ mesh, url }: Watch, event: MeshEvent): void {
    const query = 'DELETE FROM watches WHERE key = ? AND url = ? RETURNING key';
    const ended = this.#sql.exec(query, mesh.key, url).toArray().length > 0;
    if (ended) this.add({ key: mesh.key, url, event });
  }

  /** Takes an event on, to be sent at once. */
  add({ key, url, event }: { key: string; url: string; event: MeshEvent }): void {
    const now = Date.now();
    this.#sql.exec(
      `INSERT INTO deliveries (id, key, type, url, body, state, attempts, created_at_ms, due_at_ms)
       VALUES (?, ?, ?, ?, ?, 'pending', 0, ?, ?)`,
      `msg_${crypto.randomUUID()}`,
      key,
      event.type,
      url,
      event.body,
      now,
      now,
    );
    this.wakeUp();
  }

  /** Events whose time has come. */
  due(limit: number): Message[] {
    return this.#sql
      .exec<DeliveryRow>('SELECT * FROM deliveries WHERE due_at_ms <= ? ORDER BY due_at_ms LIMIT ?', Date.now(), limit)
      .toArray();
  }

  /** Records the outcome of an attempt: its end, or when the next one is due. */
  settle(id: string, sent: Sent): void {
    const row = this.#sql.exec<DeliveryRow>('SELECT * FROM deliveries WHERE id = ?', id).one();
    const attempts = row.attempts + 1;
    const dueAtMs = sent.is === 'failed' ? nextAttemptMs({ ...row, attempts }, sent.retryAfterSeconds) : null;
    const state = sent.is === 'delivered' ? 'delivered' : dueAtMs === null ? 'failed' : 'pending';
    this.#sql.exec(
      'UPDATE deliveries SET state = ?, attempts = ?, due_at_ms = ?, status = ? WHERE id = ?',
      state,
      attempts,
      dueAtMs,
      sent.status,
      id,
    );
    if (dueAtMs !== null) return;
    this.#sql.exec(
      `DELETE FROM deliveries WHERE due_at_ms IS NULL AND sequence <=
         (SELECT sequence FROM deliveries WHERE due_at_ms IS NULL ORDER BY sequence DESC LIMIT 1 OFFSET ?)`,
      endedMax,
    );
  }

  /** A page of deliveries, newest first. Null if `after` is not one of them. */
  list({ limit, after }: { limit: number; after: string | null }): DeliveryPage {
    const from = after === null ? Number.MAX_SAFE_INTEGER : this.#sequenceOf(after);
    if (from === null) return null;
    const rows = this.#sql
      .exec<DeliveryRow>('SELECT * FROM deliveries WHERE sequence < ? ORDER BY sequence DESC LIMIT ?', from, limit + 1)
      .toArray();
    return { deliveries: rows.slice(0, limit).map(deliveryOf), hasMore: rows.length > limit };
  }

  /** Sets the alarm to the first due time, if there is one. */
  wakeUp(): void {
    const { due } = this.#sql
      .exec<{ due: number | null }>(
        `SELECT min(due) AS due FROM
           (SELECT min(due_at_ms) AS due FROM watches UNION ALL SELECT min(due_at_ms) AS due FROM deliveries)`,
      )
      .one();
    if (due !== null) void this.#storage.setAlarm(due);
  }

  #sequenceOf(id: string): number | null {
    const query = 'SELECT sequence FROM deliveries WHERE id = ?';
    return this.#sql.exec<{ sequence: number }>(query, id).toArray()[0]?.sequence ?? null;
  }
}

function nextAttemptMs(row: DeliveryRow, retryAfterSeconds: number): number | null {
  const pauseSeconds = pausesSeconds[row.attempts - 1];
  // defence: API4-11
  if (pauseSeconds === undefined) return null;
  const dueAtMs = Date.now() + Math.max(pauseSeconds, retryAfterSeconds) * 1000;
  return dueAtMs - row.created_at_ms > ageMsMax ? null : dueAtMs;
}

function deliveryOf(row: DeliveryRow): Delivery {
  const { id, key, type, url, state, attempts, status } = row;
  return { id, key, type, url, state, attempts, createdAtMs: row.created_at_ms, dueAtMs: row.due_at_ms, status };
}
