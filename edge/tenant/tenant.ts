import { DurableObject } from 'cloudflare:workers';
import type { OutputFormat } from '../../contract/formats.ts';
import { openStores, type StoreBindings } from '../store/stores.ts';
import { anonymousTenant } from './tenant-name.ts';
import type { Account, Payer, Refusal, Reservation } from './budget.ts';
import { parseLimitSettings, type LimitSettings, type LimitVariables, type MissLimits } from './limit-settings.ts';
import type { Objects } from '../objects.ts';
import type { ClaimedJob, Claim, ListedMesh, ListOptions, ListPage, TenantCalls, TenantNote } from './calls.ts';
import type { BatchId } from '../stats/batcher.ts';
import { noUsage, type UsageCounts, type UsageDay } from './usage-counts.ts';
import { UsageLedger } from './usage-ledger.ts';
import { isOverdue, Ledger, type OwnLimits, type Reserve } from './ledger.ts';

/** Rows of each kind that a tenant keeps; the oldest meshes and images go first. */
const meshesMax = 100_000;
const imagesMax = 100_000;
const claimsMax = 100_000;

/** How long an idempotency key stands for its first request, in milliseconds. */
const claimMs = 24 * 3600 * 1000;

type MeshRow = {
  sequence: number;
  key: string;
  created_at_s: number;
  model: string;
  output_format: OutputFormat;
  scope: 'shared' | 'private';
  metadata: string;
};

/** What a tenant asks of a flight that it pays for. */
type PaidFlight = {
  /** Whether this payment belongs to the open flight. */
  isPaidBy(paymentId: string): boolean;
};

/** The bindings that a Tenant object takes. */
export type TenantBindings = LimitVariables & StoreBindings & { FLIGHT: Objects<PaidFlight> };

/** What belongs to one tenant and to no mesh: its list, metadata, known images, idempotency keys and budget. */
export class Tenant extends DurableObject<TenantBindings> implements TenantCalls {
  readonly #sql: SqlStorage;
  readonly #settings: LimitSettings;
  readonly #ledger: Ledger;
  readonly #usage: UsageLedger;

  constructor(state: DurableObjectState, env: TenantBindings) {
    super(state, env);
    this.#settings = parseLimitSettings(env);
    this.#ledger = new Ledger(state.storage, this.#settings);
    this.#usage = new UsageLedger(state.storage.sql);
    this.#sql = state.storage.sql;
    this.#sql.exec(`
      CREATE TABLE IF NOT EXISTS meshes
        (sequence INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, created_at_s INTEGER NOT NULL,
         model TEXT NOT NULL, output_format TEXT NOT NULL, scope TEXT NOT NULL, metadata TEXT NOT NULL);
      CREATE TABLE IF NOT EXISTS images (sequence INTEGER PRIMARY KEY AUTOINCREMENT, sha256 TEXT NOT NULL UNIQUE);
      CREATE TABLE IF NOT EXISTS claims
        (sequence INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, fingerprint TEXT NOT NULL,
         plan TEXT NOT NULL, refreshed INTEGER NOT NULL, at_ms INTEGER NOT NULL);
    `);
  }

  note({ mesh, imageSha256 }: TenantNote): void {
    this.#sql.exec(
      `INSERT INTO meshes (key, created_at_s, model, output_format, scope, metadata) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (key) DO UPDATE SET metadata = excluded.metadata WHERE excluded.metadata <> '{}'`,
      mesh.key,
      Math.floor(Date.now() / 1000),
      mesh.model,
      mesh.outputFormat,
      mesh.scope,
      JSON.stringify(mesh.metadata),
    );
    // A new row, so that images in use outlive the others.
    if (imageSha256 !== null) this.#sql.exec('INSERT OR REPLACE INTO images (sha256) VALUES (?)', imageSha256);
    this.#sql.exec('DELETE FROM meshes WHERE sequence <= (SELECT max(sequence) FROM meshes) - ?', meshesMax);
    this.#sql.exec('DELETE FROM images WHERE sequence <= (SELECT max(sequence) FROM images) - ?', imagesMax);
  }

  knowsImage(sha256: string): boolean {
    return this.#sql.exec('SELECT 1 FROM images WHERE sha256 = ?', sha256).toArray().length > 0;
  }

  listed(key: string): ListedMesh | null {
    const row = this.#row(key);
    return row === null ? null : listedMesh(row);
  }

  list({ limit, order, afterKey }: ListOptions): ListPage {
    const after = afterKey === null ? null : (this.#row(afterKey)?.sequence ?? null);
    if (afterKey !== null && after === null) return null;
    const query =
      order === 'asc'
        ? 'SELECT * FROM meshes WHERE sequence > ? ORDER BY sequence LIMIT ?'
        : 'SELECT * FROM meshes WHERE sequence < ? ORDER BY sequence DESC LIMIT ?';
    const from = after ?? (order === 'asc' ? 0 : Number.MAX_SAFE_INTEGER);
    const rows = this.#sql.exec<MeshRow>(query, from, limit + 1).toArray();
    return { meshes: rows.slice(0, limit).map(listedMesh), hasMore: rows.length > limit };
  }

  forget(key: string): boolean {
    return this.#sql.exec('DELETE FROM meshes WHERE key = ? RETURNING key', key).toArray().length > 0;
  }

  claim({ name, fingerprint, plan }: { name: string; fingerprint: string; plan: ClaimedJob }): Claim {
    const now = Date.now();
    // Rows are in the order of their time, so this reads no more than it deletes.
    for (;;) {
      const oldest = this.#sql
        .exec<{ sequence: number; at_ms: number }>('SELECT sequence, at_ms FROM claims ORDER BY sequence LIMIT 1')
        .toArray()[0];
      if (oldest === undefined || oldest.at_ms > now - claimMs) break;
      this.#sql.exec('DELETE FROM claims WHERE sequence = ?', oldest.sequence);
    }
    const found = this.#sql
      .exec<{ fingerprint: string; plan: string; refreshed: number }>('SELECT * FROM claims WHERE name = ?', name)
      .toArray()[0];
    if (found?.fingerprint === fingerprint) {
      return { is: 'repeat', plan: JSON.parse(found.plan) as ClaimedJob, refreshed: found.refreshed === 1 };
    }
    if (found !== undefined) return { is: 'taken' };
    const { kept } = this.#sql
      .exec<{ kept: number }>('SELECT coalesce(max(sequence) - min(sequence) + 1, 0) AS kept FROM claims')
      .one();
    // defence: API4-9
    if (kept >= claimsMax) return { is: 'full' };
    this.#sql.exec(
      'INSERT INTO claims (name, fingerprint, plan, refreshed, at_ms) VALUES (?, ?, ?, 0, ?)',
      name,
      fingerprint,
      JSON.stringify(plan),
      now,
    );
    return { is: 'new' };
  }

  noteRefreshed(name: string): void {
    this.#sql.exec('UPDATE claims SET refreshed = 1 WHERE name = ?', name);
  }

  reserve(flight: { id: string; tenant: string; flight: string; account: Account | null }): Reservation {
    return this.#ledger.reserve(flight, this.#standard(flight.tenant));
  }

  refusal({ flight, tenant, account }: Payer & { flight: string }): Refusal | null {
    const found = this.#ledger.look(account, this.#standard(tenant));
    return found.is === 'reserved' || this.#ledger.pays(flight) ? null : found;
  }

  settle({ id, gpuMs }: { id: string; gpuMs: number | null }): void {
    this.#ledger.settle(id, gpuMs);
  }

  takeUsage(batch: { counts: UsageCounts; atMs: number; id: BatchId }): void {
    this.#usage.take(batch);
  }

  usage(range: { from: string; to: string }): UsageDay[] {
    const spent = this.#ledger.spent(range);
    const days = new Map(this.#usage.days(range).map((day) => [day.date, day]));
    const dates = [...new Set([...days.keys(), ...spent.keys()])].toSorted();
    return dates.map((date) => ({ date, ...noUsage(), ...days.get(date), gpuMsSpent: spent.get(date) ?? 0 }));
  }

  limits(tenant: string): MissLimits {
    const own = this.#ledger.limits();
    const standard = this.#standard(tenant);
    return {
      gpuMsPerDay: own.gpuMsPerDay ?? standard.gpuMsPerDay,
      concurrentMissesMax: own.concurrentMissesMax ?? standard.concurrentMissesMax,
    };
  }

  setLimits(limits: OwnLimits): void {
    this.#ledger.setLimits(limits);
  }

  /** Checks due reserves: the end of their flight was lost, or the flight never started. */
  override async alarm(): Promise<void> {
    for (const reserve of this.#ledger.due()) {
      try {
        const flies = !isOverdue(reserve) && (await this.env.FLIGHT.getByName(reserve.flight).isPaidBy(reserve.id));
        if (flies) this.#ledger.keep(reserve.id);
        else this.#ledger.settle(reserve.id, await this.#costOf(reserve));
      } catch (error) {
        console.warn(JSON.stringify({ event: 'reserve_not_looked_after', ...reserve, error: String(error) }));
        this.#ledger.keep(reserve.id);
      }
    }
    this.#ledger.wake({ rang: true });
  }

  /** GPU milliseconds of the mesh that a flight made. Null if it made none. */
  async #costOf({ flight, at_ms: atMs }: Reserve): Promise<number | null> {
    const stored = await openStores(this.env).manifests.readTruth(flight);
    if (stored === null || stored.manifest.completedAtSeconds < Math.floor(atMs / 1000)) return null;
    return stored.manifest.gpuMs;
  }

  #standard(tenant: string): MissLimits {
    return tenant === anonymousTenant ? this.#settings.anonymous : this.#settings.tenant;
  }

  #row(key: string): MeshRow | null {
    return this.#sql.exec<MeshRow>('SELECT * FROM meshes WHERE key = ?', key).toArray()[0] ?? null;
  }
}

function listedMesh(row: MeshRow): ListedMesh {
  return {
    key: row.key,
    createdAtSeconds: row.created_at_s,
    model: row.model,
    outputFormat: row.output_format,
    scope: row.scope,
    metadata: JSON.parse(row.metadata) as Record<string, string>,
  };
}
