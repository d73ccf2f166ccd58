import type { MeshManifest } from '../../contract/mesh.ts';
import type { Asset, HeldAsset } from './asset.ts';
import { isLive } from './manifest-text.ts';
import type { Tier } from './tiers.ts';

/**
 * Bytes that this isolate may hold, of the 128 MB that it has: together 32 MiB. Assets are the larger part, since a
 * manifest is about 1 KB.
 */
const memoryBudget = { manifestBytesMax: 4 * 1024 * 1024, assetBytesMax: 28 * 1024 * 1024 } as const;

/** How long this isolate trusts what it holds: the time by which a purge or a refresh elsewhere is heard here. */
export const memoryLifeSeconds = 30;

/**
 * Bytes that a manifest is counted as having for each character of its JSON: its object takes about four, and the text
 * of the mesh object that is kept with it up to two.
 */
const manifestCharacterBytes = 6;

/** Memory for manifests, which their readers share: each is frozen. */
export function manifestMemory(now: () => number): Memory<MeshManifest> {
  return new Memory({
    bytesMax: memoryBudget.manifestBytesMax,
    sizeOf: (manifest) => manifestCharacterBytes * JSON.stringify(manifest).length,
    now,
  });
}

/** Bytes that each asset is counted as having beside its own: about what the headers of its answers take. */
const assetHeaderBytes = 2048;

/** Memory for small assets. */
export function assetMemory(now: () => number): Memory<HeldAsset> {
  return new Memory({
    bytesMax: memoryBudget.assetBytesMax,
    sizeOf: (asset) => asset.sizeBytes + assetHeaderBytes,
    now,
  });
}

/** Manifests in this isolate. */
export function memoryManifests(memory: Memory<MeshManifest>, now: () => number): Tier<MeshManifest> {
  return {
    name: 'memory',
    async read(key) {
      const manifest = memory.get(key);
      return manifest !== null && isLive(manifest, now()) ? manifest : null;
    },
    async write(key, manifest) {
      memory.set(key, frozen(structuredClone(manifest)));
    },
    async remove(key) {
      memory.delete(key);
    },
  };
}

function frozen<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(frozen);
  return Object.freeze(value);
}

/** Small assets in this isolate; larger ones are never held. */
export function memoryAssets(memory: Memory<HeldAsset>): Tier<Asset> {
  return {
    name: 'memory',
    async read(file) {
      return memory.get(file);
    },
    async write(file, asset) {
      if (asset.kind === 'held') memory.set(file, asset);
    },
    async remove(file) {
      memory.delete(file);
    },
  };
}

type Entry<Value> = { value: Value; bytes: number; expiresAtMs: number };

/** Least-recently-used values of this isolate, bounded by the true bytes that they hold. */
export class Memory<Value> {
  readonly bytesMax: number;
  readonly #sizeOf: (value: Value) => number;
  readonly #now: () => number;
  readonly #lifeMs: number;
  // A Map keeps insertion order, so the first entry is the one that was used longest ago.
  readonly #entries = new Map<string, Entry<Value>>();
  #newest = '';
  #bytes = 0;

  constructor(options: { bytesMax: number; sizeOf: (value: Value) => number; now: () => number; lifeMs?: number }) {
    this.bytesMax = options.bytesMax;
    this.#sizeOf = options.sizeOf;
    this.#now = options.now;
    this.#lifeMs = options.lifeMs ?? memoryLifeSeconds * 1000;
  }

  /** Bytes held now. */
  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): Value | null {
    const entry = this.#entries.get(key);
    if (!entry) return null;
    const fresh = entry.expiresAtMs > this.#now();
    if (fresh && key === this.#newest) return entry.value;
    this.delete(key);
    if (!fresh) return null;
    this.#insert(key, entry);
    return entry.value;
  }

  /**
   * Holds a value for `lifeMs` (`memoryLifeSeconds` unless told otherwise), dropping the least recently used; one
   * larger than the budget is not held.
   */
  set(key: string, value: Value): void {
    this.delete(key);
    const bytes = this.#sizeOf(value);
    if (bytes > this.bytesMax) return;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes + bytes <= this.bytesMax) break;
      this.delete(oldest);
    }
    this.#insert(key, { value, bytes, expiresAtMs: this.#now() + this.#lifeMs });
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
  }

  #insert(key: string, entry: Entry<Value>): void {
    this.#entries.set(key, entry);
    this.#newest = key;
    this.#bytes += entry.bytes;
  }
}
