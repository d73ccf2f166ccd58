import { DurableObject } from 'cloudflare:workers';
import type { Model } from '../../contract/model.ts';
import type { Removals } from '../../contract/removals.ts';
import { reportIntervalSeconds, reportsMissedMax, type Report } from '../../contract/report.ts';
import { signatureAgeSecondsMax } from '../../contract/signature.ts';
import type { FleetCalls, FleetSnapshot, OriginStatus } from './calls.ts';
import { openStores, type StoreBindings } from '../store/stores.ts';
import type { ModelList } from './model-list.ts';
import { RemovalLog } from './removal-log.ts';

/** An origin is dead when it has been silent for longer than this, in milliseconds. */
const silenceMsMax = reportIntervalSeconds * (reportsMissedMax + 0.5) * 1000;

/** A model that no origin has served for so long leaves the list, in milliseconds; only reports count time. */
const modelKeptMs = 24 * 3600 * 1000;

/** A model's row is touched no more often than this, in milliseconds, since each report names every model. */
const modelTouchMs = 3600 * 1000;

/** Set while the KV copy of the models is not the list of today. */
const copyIsOldKey = 'copy_is_old';

/** The model that turns prompts into pictures, and when an origin last reported it. */
const textToImageKey = 'text_to_image';
type TextToImage = { model: string; atMs: number };

/** The bindings that the Fleet object takes. */
export type FleetBindings = StoreBindings;

/**
 * What origins report: who is alive, what they serve, which nonces they used; and what they are to forget. One object
 * for the whole service.
 */
export class Fleet extends DurableObject<FleetBindings> implements FleetCalls {
  readonly #sql: SqlStorage;
  readonly #removals: RemovalLog;

  constructor(state: DurableObjectState, env: FleetBindings) {
    super(state, env);
    this.#sql = state.storage.sql;
    this.#removals = new RemovalLog(state.storage);
    this.#sql.exec(`
      CREATE TABLE IF NOT EXISTS origins (id TEXT PRIMARY KEY, status TEXT NOT NULL, at_ms INTEGER NOT NULL);
      CREATE TABLE IF NOT EXISTS models
        (id TEXT PRIMARY KEY, digest TEXT NOT NULL, model TEXT NOT NULL, at_ms INTEGER NOT NULL);
      CREATE TABLE IF NOT EXISTS nonces (nonce TEXT PRIMARY KEY, until_ms INTEGER NOT NULL);
      CREATE INDEX IF NOT EXISTS nonces_until ON nonces (until_ms);
    `);
  }

  report(originId: string, report: Report): number {
    const now = Date.now();
    const status = statusOf(originId, report);
    this.#sql.exec(
      `INSERT INTO origins VALUES (?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET status = excluded.status, at_ms = excluded.at_ms`,
      originId,
      JSON.stringify(status),
      now,
    );
    const others = this.#alive(now).filter((origin) => origin.id !== originId);
    let changed = this.#takeTextToImage(report.textToImageModel, others, now);
    for (const model of report.models) if (this.#takeModel(model, others, now)) changed = true;
    const forgotten = this.#sql.exec('DELETE FROM models WHERE at_ms < ?', now - modelKeptMs).rowsWritten;
    if (changed || forgotten > 0) this.ctx.storage.kv.put(copyIsOldKey, true);
    if (this.ctx.storage.kv.get(copyIsOldKey) === true) this.ctx.waitUntil(this.#writeCopy());
    return this.#removals.end;
  }

  snapshot(): FleetSnapshot {
    return { origins: this.#alive(Date.now()), list: this.#list() };
  }

  noteRemoved(surfaces: readonly string[]): void {
    this.#removals.add(surfaces);
  }

  removals(after: number): Removals {
    return this.#removals.after(after);
  }

  spendNonce(nonce: string, signedAtSeconds: number): boolean {
    const now = Date.now();
    this.#sql.exec('DELETE FROM nonces WHERE until_ms < ?', now);
    const untilMs = (signedAtSeconds + signatureAgeSecondsMax + 1) * 1000;
    return this.#sql.exec('INSERT OR IGNORE INTO nonces VALUES (?, ?)', nonce, untilMs).rowsWritten > 0;
  }

  /** KV takes one write a second for a key and may refuse this one; the next report tries again. */
  async #writeCopy(): Promise<void> {
    const list = this.#list();
    try {
      await openStores(this.env).modelList.write(list);
    } catch (error) {
      console.error(JSON.stringify({ event: 'models_not_copied', error: String(error) }));
      return;
    }
    // They may have changed once more meanwhile.
    if (JSON.stringify(this.#list()) === JSON.stringify(list)) this.ctx.storage.kv.delete(copyIsOldKey);
  }

  /** True when the list of models changed by this one. */
  #takeModel(model: Model, others: readonly OriginStatus[], now: number): boolean {
    const text = JSON.stringify(model);
    const row = this.#sql
      .exec<{ digest: string; model: string; at_ms: number }>('SELECT * FROM models WHERE id = ?', model.id)
      .toArray()[0];
    if (row !== undefined) {
      // While an upgrade rolls, two digests of one version are alive; the listed one stays until no origin has it.
      if (row.digest !== model.digest && others.some((origin) => origin.digests[model.id] === row.digest)) return false;
      if (row.model === text && now - row.at_ms < modelTouchMs) return false;
    }
    this.#sql.exec('INSERT OR REPLACE INTO models VALUES (?, ?, ?, ?)', model.id, model.digest, text, now);
    return row?.model !== text;
  }

  /**
   * True when the model that prompts are keyed with changed. There is one: while an upgrade rolls, the old one stays
   * until no origin has it.
   */
  #takeTextToImage(reported: string | undefined, others: readonly OriginStatus[], now: number): boolean {
    const { kv } = this.ctx.storage;
    const known = kv.get<TextToImage>(textToImageKey);
    if (reported === undefined) {
      return known !== undefined && known.atMs < now - modelKeptMs && kv.delete(textToImageKey);
    }
    if (known?.model === reported) {
      if (now - known.atMs >= modelTouchMs) kv.put(textToImageKey, { model: reported, atMs: now });
      return false;
    }
    if (known && others.some((origin) => origin.textToImageModel === known.model)) return false;
    kv.put(textToImageKey, { model: reported, atMs: now });
    return true;
  }

  #list(): ModelList {
    const known = this.ctx.storage.kv.get<TextToImage>(textToImageKey);
    return { models: this.#models(), textToImageModel: known?.model ?? null };
  }

  #alive(now: number): OriginStatus[] {
    return this.#sql
      .exec<{ status: string }>('SELECT status FROM origins WHERE at_ms >= ? ORDER BY id', now - silenceMsMax)
      .toArray()
      .map((row) => JSON.parse(row.status) as OriginStatus);
  }

  #models(): Model[] {
    return this.#sql
      .exec<{ model: string }>('SELECT model FROM models ORDER BY id')
      .toArray()
      .map((row) => JSON.parse(row.model) as Model);
  }
}

function statusOf(id: string, report: Report): OriginStatus {
  return {
    id,
    url: report.url,
    state: report.state,
    startedAtSeconds: report.startedAtSeconds,
    digests: Object.fromEntries(report.models.map((model) => [model.id, model.digest])),
    textToImageModel: report.textToImageModel ?? null,
    queueDepth: report.queue.depth,
    lanesReady: report.lanes.filter((lane) => lane.state === 'ready').length,
  };
}
