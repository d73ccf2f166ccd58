import { waitUntil } from 'cloudflare:workers';
import type { MeshManifest } from '../../contract/mesh.ts';
import { kvManifests } from './kv.ts';
import { manifestMemory, memoryManifests, type Memory } from './memory.ts';
import { r2Manifests, type R2Manifests } from './r2.ts';
import { readDown, writeCopies, type Background, type Tier } from './tiers.ts';

/** Attempts to settle who wrote first, when manifests of one key keep appearing and going. */
const createAttemptsMax = 3;

/** The manifests that this isolate holds, as text: its length is what it costs, and every reader gets its own object. */
const isolateMemory = manifestMemory(() => Date.now());

export type ManifestsOptions = {
  kv: KVNamespace;
  r2: R2Bucket;
  /** Clock in milliseconds since the epoch. */
  now?: () => number;
  /** Defaults to the isolate's own. */
  memory?: Memory<string>;
};

/** The manifests of finished meshes: memory and KV hold copies, R2 the truth. An expired one counts as absent. */
export class Manifests {
  readonly #truth: R2Manifests;
  readonly #copies: readonly [memory: Tier<MeshManifest>, kv: Tier<MeshManifest>];

  constructor({ kv, r2, now = () => Date.now(), memory = isolateMemory }: ManifestsOptions) {
    this.#truth = r2Manifests(r2, now);
    this.#copies = [memoryManifests(memory, now), kvManifests(kv, now)];
  }

  /** The manifest with this request key from the nearest tier that has it, or null. */
  async read(
    key: string,
    background: Background = { waitUntil },
  ): Promise<{ manifest: MeshManifest; tier: 'memory' | 'kv' | 'r2' } | null> {
    const found = await readDown({ tiers: this.#copies, truth: this.#truth }, key, background);
    if (!found) return null;
    if (found.tier === 'colo') throw new Error('no manifest is kept in the Cache API; this is a bug');
    return { manifest: found.value, tier: found.tier };
  }

  /** The manifest as R2 has it now, past every copy, with the etag that lets only its reader replace it. */
  async readTruth(key: string): Promise<{ manifest: MeshManifest; etag: string } | null> {
    const object = await this.#truth.stored(key);
    return object?.manifest ? { manifest: object.manifest, etag: object.etag } : null;
  }

  /**
   * Stores a manifest unless its key has one: the first writer is canonical and is what is returned, since results of
   * a GPU need not be equal bit by bit. An expired or damaged one gives way.
   */
  async create(
    manifest: MeshManifest,
    background: Background = { waitUntil },
  ): Promise<{ manifest: MeshManifest; created: boolean }> {
    for (let attempt = 0; attempt < createAttemptsMax; attempt++) {
      if (await this.#truth.put(manifest, { etagDoesNotMatch: '*' })) return this.#settled(manifest, true, background);
      const existing = await this.#truth.stored(manifest.key);
      if (existing?.manifest) return this.#settled(existing.manifest, false, background);
      if (existing && (await this.#truth.put(manifest, { etagMatches: existing.etag }))) {
        return this.#settled(manifest, true, background);
      }
    }
    throw new Error(`manifest ${manifest.key} changed hands ${createAttemptsMax} times while it was being stored`);
  }

  /**
   * Puts a refreshed manifest in the place of the one with this etag (null: of none). When another came between, that
   * one stays and is returned.
   */
  async replace(
    manifest: MeshManifest,
    etag: string | null,
    background: Background = { waitUntil },
  ): Promise<{ manifest: MeshManifest; replaced: boolean }> {
    if (etag !== null && (await this.#truth.put(manifest, { etagMatches: etag }))) {
      await this.#settled(manifest, true, background);
      return { manifest, replaced: true };
    }
    const { manifest: canonical, created } = await this.create(manifest, background);
    return { manifest: canonical, replaced: created };
  }

  /** Removes a manifest from R2 and from every copy that can be reached; others forget it as the tiers' limits say. */
  async remove(key: string): Promise<void> {
    for (const tier of [this.#truth, ...this.#copies]) await tier.remove(key);
  }

  #settled(manifest: MeshManifest, created: boolean, background: Background) {
    background.waitUntil(writeCopies(this.#copies, manifest.key, manifest));
    return { manifest, created };
  }
}
