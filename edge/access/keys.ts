import { DurableObject } from 'cloudflare:workers';
import {
  isLive,
  keysMax,
  type KeyCalls,
  type KeyListOptions,
  type KeyTerms,
  type Rotation,
  type StoredKey,
} from './calls.ts';

/** An ended key stays listed for so long, in seconds. */
const endedKeptSeconds = 90 * 24 * 3600;

type KeyRow = {
  id: string;
  terms: string;
  created_at_s: number;
  expires_at_s: number | null;
  revoked_at_s: number | null;
};

/** The API keys by their SHA-256. One object for the whole service: isolates remember what it said for a while. */
export class Keys extends DurableObject<object> implements KeyCalls {
  readonly #sql: SqlStorage;

  constructor(state: DurableObjectState, env: object) {
    super(state, env);
    this.#sql = state.storage.sql;
    this.#sql.exec(`
      CREATE TABLE IF NOT EXISTS keys
        (sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, sha256 TEXT NOT NULL UNIQUE,
         tenant TEXT NOT NULL, terms TEXT NOT NULL, created_at_s INTEGER NOT NULL, expires_at_s INTEGER,
         revoked_at_s INTEGER);
    `);
  }

  create({ sha256, terms }: { sha256: string; terms: KeyTerms }): StoredKey | null {
    const now = nowSeconds();
    this.#sql.exec(
      'DELETE FROM keys WHERE min(ifnull(revoked_at_s, ?1), ifnull(expires_at_s, ?1)) < ?1 - ?2',
      now,
      endedKeptSeconds,
    );
    if (this.#sql.exec<{ kept: number }>('SELECT count(*) AS kept FROM keys').one().kept >= keysMax) return null;
    const { tenant, label, scopes, defaultScope, gpuMsPerDay, concurrentMissesMax, expiresAtSeconds } = terms;
    const row = this.#sql.exec<KeyRow>(
      'INSERT INTO keys (id, sha256, tenant, terms, created_at_s, expires_at_s) VALUES (?, ?, ?, ?, ?, ?) RETURNING *',
      `key_${crypto.randomUUID().replaceAll('-', '')}`,
      sha256,
      tenant,
      JSON.stringify({ tenant, label, scopes, defaultScope, gpuMsPerDay, concurrentMissesMax }),
      now,
      expiresAtSeconds,
    );
    return storedKey(row.one());
  }

  find(sha256: string): StoredKey | null {
    return this.#one('SELECT * FROM keys WHERE sha256 = ?', sha256);
  }

  get(id: string): StoredKey | null {
    return this.#one('SELECT * FROM keys WHERE id = ?', id);
  }

  list({ tenant, limit, afterId }: KeyListOptions): { keys: StoredKey[]; hasMore: boolean } | null {
    const after = this.#sql.exec<{ sequence: number }>('SELECT sequence FROM keys WHERE id = ?', afterId).toArray()[0];
    if (afterId !== null && after === undefined) return null;
    const rows = this.#sql
      .exec<KeyRow>(
        'SELECT * FROM keys WHERE sequence < ? AND (?2 IS NULL OR tenant = ?2) ORDER BY sequence DESC LIMIT ?3',
        after?.sequence ?? Number.MAX_SAFE_INTEGER,
        tenant,
        limit + 1,
      )
      .toArray();
    return { keys: rows.slice(0, limit).map(storedKey), hasMore: rows.length > limit };
  }

  revoke(id: string): StoredKey | null {
    return this.#one(
      'UPDATE keys SET revoked_at_s = ifnull(revoked_at_s, ?) WHERE id = ? RETURNING *',
      nowSeconds(),
      id,
    );
  }

  rotate({ id, sha256, overlapSeconds }: { id: string; sha256: string; overlapSeconds: number }): Rotation | null {
    const old = this.get(id);
    if (old === null || !isLive(old)) return null;
    const { expiresAtSeconds, createdAtSeconds } = old;
    const now = nowSeconds();
    const lifeSeconds = expiresAtSeconds === null ? null : expiresAtSeconds - createdAtSeconds;
    const made = this.create({ sha256, terms: { ...old, expiresAtSeconds: lifeSeconds && now + lifeSeconds } });
    if (made === null) return { is: 'full' };
    const query = 'UPDATE keys SET expires_at_s = min(ifnull(expires_at_s, ?1), ?1) WHERE id = ?2';
    this.#sql.exec(query, now + overlapSeconds, id);
    return { is: 'made', key: made };
  }

  #one(query: string, ...values: (string | number)[]): StoredKey | null {
    const row = this.#sql.exec<KeyRow>(query, ...values).toArray()[0];
    return row === undefined ? null : storedKey(row);
  }
}

function storedKey(row: KeyRow): StoredKey {
  return {
    ...(JSON.parse(row.terms) as Omit<KeyTerms, 'expiresAtSeconds'>),
    id: row.id,
    createdAtSeconds: row.created_at_s,
    expiresAtSeconds: row.expires_at_s,
    revokedAtSeconds: row.revoked_at_s,
  };
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
