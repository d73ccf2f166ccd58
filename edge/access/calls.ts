import type { Objects, Stub } from '../objects.ts';
import type { ApiKey } from './api-keys.ts';

/** What an operator decides of a key. Limits that are null are those of the tenant alone. */
export type KeyTerms = {
  tenant: string;
  label: string;
  scopes: ApiKey['scopes'];
  defaultScope: ApiKey['defaultScope'];
  gpuMsPerDay: number | null;
  concurrentMissesMax: number | null;
  expiresAtSeconds: number | null;
};

/** A key as the store knows it; the key itself is nowhere. */
export type StoredKey = KeyTerms & { id: string; createdAtSeconds: number; revokedAtSeconds: number | null };

export type KeyListOptions = { tenant: string | null; limit: number; afterId: string | null };

/** Keys that are kept, those that have ended included. */
export const keysMax = 10_000;

/** Whether a key has neither expired nor been revoked. */
export function isLive({ revokedAtSeconds, expiresAtSeconds }: StoredKey): boolean {
  return revokedAtSeconds === null && (expiresAtSeconds === null || expiresAtSeconds * 1000 > Date.now());
}

/** What became of a key that was to be replaced: `full` where there are `keysMax`. */
export type Rotation = { is: 'made'; key: StoredKey } | { is: 'full' };

/** Where the one Keys object is. */
export type KeysObjects = Objects<KeyCalls>;

/** The one Keys object. */
export function theKeys(keys: KeysObjects): Stub<KeyCalls> {
  return keys.getByName('keys');
}

/** The calls of the Keys object. */
export type KeyCalls = {
  /** Keeps a new key; null when there are `keysMax`. */
  create(key: { sha256: string; terms: KeyTerms }): StoredKey | null;

  /** The key of this digest, one that has ended too; null when there is none. */
  find(sha256: string): StoredKey | null;

  /** The key of this id, or null. */
  get(id: string): StoredKey | null;

  /** A page of keys, the newest first; null when `afterId` is none of them. */
  list(options: KeyListOptions): { keys: StoredKey[]; hasMore: boolean } | null;

  /** Ends a key now; one that has ended keeps its time. Null when there is none of this id. */
  revoke(id: string): StoredKey | null;

  /**
   * Makes a key of the same terms and length of life, and lets the old one end in `overlapSeconds` at the latest; null
   * when there is no live one of this id.
   */
  rotate(rotation: { id: string; sha256: string; overlapSeconds: number }): Rotation | null;
};
