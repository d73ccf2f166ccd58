import type { Account, Budget, Reservation } from './budget.ts';
import type { LimitSettings, MissLimits } from './limit-settings.ts';
import { dayMs, dayOf } from './utc-day.ts';

/**
 * A reserve is checked this long after it was made, in milliseconds, and then at this interval while its flight lives.
 */
const firstLookMs = 60_000;
const nextLookMs = 5 * 60_000;

/** No flight lives longer, so a reserve of this age is released whatever was heard of it. */
const reserveLifeMsMax = 6.5 * 3600 * 1000;

/** Reserves that one alarm looks after. */
const looksMax = 50;

/** Days that sums of accounts are kept. Reserves of the previous day may still be settled. */
const accountDays = 2;

const limitsKey = 'limits';

/** The sum over all accounts of the tenant; also the account of a miss that has none. */
const all = '';

/** What one flight has reserved, until its true cost is known. */
export type Reserve = { id: string; flight: string; account: string; day: string; ms: number; at_ms: number };

/** A tenant's own limits; null for those that every tenant has. */
export type OwnLimits = { [Name in keyof MissLimits]: number | null };

/** The GPU time of one tenant: what it may spend, has reserved and has spent. Each call is one step of its object. */
export class Ledger {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;
  readonly #settings: LimitSettings;
  /**
   * When this object's alarm rings, null if none is set. An alarm that rings early, because its reserve is settled, is
   * cheaper than one write a miss, which the miss would wait for.
   */
  #wakesAtMs: number | null = null;

  constructor(storage: DurableObjectStorage, settings: LimitSettings) {
    this.#storage = storage;
    this.#sql = storage.sql;
    this.#settings = settings;
    this.#sql.exec(`
      CREATE TABLE IF NOT EXISTS reserves
        (id TEXT PRIMARY KEY, flight TEXT NOT NULL, account TEXT NOT NULL, day TEXT NOT NULL, ms REAL NOT NULL,
         at_ms INTEGER NOT NULL, look_at_ms INTEGER NOT NULL);
      CREATE INDEX IF NOT EXISTS reserves_look_at ON reserves (look_at_ms);
      CREATE TABLE IF NOT EXISTS spent (day TEXT, account TEXT, ms REAL NOT NULL, PRIMARY KEY (day, account));
    `);
  }

  /**
   * Reserves for a miss, unless that would exceed a limit of the tenant (`standard` if it has none of its own) or of
   * the account.
   */
  reserve(
    { id, flight, account }: { id: string; flight: string; account: Account | null },
    standard: MissLimits,
  ): Reservation {
    const now = Date.now();
    const reservation = this.look(account, standard);
    if (reservation.is !== 'reserved') return reservation;
    const row = [id, flight, account?.id ?? all, dayOf(now), this.#reserveMs(account), now, now + firstLookMs];
    this.#sql.exec('INSERT INTO reserves VALUES (?, ?, ?, ?, ?, ?, ?)', ...row);
    this.wake();
    return reservation;
  }

  /** Whether this flight has a reserve here. */
  pays(flight: string): boolean {
    return this.#sql.exec('SELECT 1 FROM reserves WHERE flight = ? LIMIT 1', flight).toArray().length > 0;
  }

  /** What `reserve` would answer now. Reserves nothing. */
  look(account: Account | null, standard: MissLimits): Reservation {
    if (account === null) return { is: 'reserved', budget: null };
    const now = Date.now();
    const ms = this.#reserveMs(account);
    const own = this.limits();
    const limits: [of: string, gpuMsPerDay: number | null, missesMax: number | null][] = [
      [all, own.gpuMsPerDay ?? standard.gpuMsPerDay, own.concurrentMissesMax ?? standard.concurrentMissesMax],
      [account.id, account.gpuMsPerDay, account.concurrentMissesMax],
    ];
    let budget: Budget | null = null;
    for (const [of, limitMs, missesMax] of limits) {
      if (missesMax !== null && this.#open(of) >= missesMax) return { is: 'too_many', missesMax };
      if (limitMs === null) continue;
      const remainingMs = limitMs - this.#used(dayOf(now), of);
      const resetSeconds = Math.ceil((dayMs - (now % dayMs)) / 1000);
      // defence: API4-7
      if (remainingMs < ms) return { is: 'over_budget', budget: { limitMs, remainingMs, resetSeconds } };
      if (budget === null || remainingMs - ms < budget.remainingMs) {
        budget = { limitMs, remainingMs: remainingMs - ms, resetSeconds };
      }
    }
    return { is: 'reserved', budget };
  }

  /** Replaces a reserve with the flight's cost, or releases it if null. A repeat changes nothing. */
  settle(id: string, gpuMs: number | null): void {
    const reserve = this.#sql.exec<Reserve>('DELETE FROM reserves WHERE id = ? RETURNING *', id).toArray()[0];
    if (reserve === undefined || gpuMs === null) return;
    for (const of of new Set([all, reserve.account])) {
      this.#sql.exec(
        'INSERT INTO spent VALUES (?, ?, ?) ON CONFLICT (day, account) DO UPDATE SET ms = ms + excluded.ms',
        reserve.day,
        of,
        gpuMs,
      );
    }
    const oldestKept = dayOf(Date.now() - accountDays * dayMs);
    this.#sql.exec('DELETE FROM spent WHERE account <> ? AND day < ?', all, oldestKept);
  }

  /** GPU milliseconds that were spent on each day of a range, both ends included. */
  spent({ from, to }: { from: string; to: string }): Map<string, number> {
    const query = 'SELECT day, ms FROM spent WHERE account = ? AND day BETWEEN ? AND ?';
    const rows = this.#sql.exec<{ day: string; ms: number }>(query, all, from, to).toArray();
    return new Map(rows.map(({ day, ms }) => [day, ms]));
  }

  /** Limits that an operator set for this tenant. */
  limits(): OwnLimits {
    return this.#storage.kv.get<OwnLimits>(limitsKey) ?? { gpuMsPerDay: null, concurrentMissesMax: null };
  }

  /** Sets limits for this tenant, from the next miss on. */
  setLimits(limits: OwnLimits): void {
    this.#storage.kv.put(limitsKey, limits);
  }

  /** Reserves that are due for a check: the end of their flight may have been lost. */
  due(): Reserve[] {
    const query = 'SELECT * FROM reserves WHERE look_at_ms <= ? ORDER BY look_at_ms LIMIT ?';
    return this.#sql.exec<Reserve>(query, Date.now(), looksMax).toArray();
  }

  /** Has a reserve looked at again later. */
  keep(id: string): void {
    this.#sql.exec('UPDATE reserves SET look_at_ms = ? WHERE id = ?', Date.now() + nextLookMs, id);
  }

  /** Sets the alarm to the next due reserve. Call it also when the alarm has rung. */
  wake({ rang }: { rang: boolean } = { rang: false }): void {
    if (rang) this.#wakesAtMs = null;
    const { next } = this.#sql.exec<{ next: number | null }>('SELECT min(look_at_ms) AS next FROM reserves').one();
    if (next === null || (this.#wakesAtMs !== null && this.#wakesAtMs <= next)) return;
    this.#wakesAtMs = next;
    // The output gate holds every answer until the write is durable.
    void this.#storage.setAlarm(next);
  }

  /** A miss that is under no limit reserves nothing; its cost is counted when it is settled. */
  #reserveMs(account: Account | null): number {
    return account === null ? 0 : this.#settings.reservedMs;
  }

  #open(account: string): number {
    const query = 'SELECT count(*) AS open FROM reserves WHERE ?1 = ?2 OR account = ?1';
    return this.#sql.exec<{ open: number }>(query, account, all).one().open;
  }

  /** GPU time spent and reserved on a day, in milliseconds. */
  #used(day: string, account: string): number {
    const query = `SELECT (SELECT ifnull(sum(ms), 0) FROM reserves WHERE day = ?1 AND (?2 = ?3 OR account = ?2))
      + ifnull((SELECT ms FROM spent WHERE day = ?1 AND account = ?2), 0) AS ms`;
    return this.#sql.exec<{ ms: number }>(query, day, account, all).one().ms;
  }
}

/** Whether the flight of a reserve cannot live any more. */
export function isOverdue({ at_ms: atMs }: Reserve): boolean {
  return Date.now() - atMs > reserveLifeMsMax;
}
