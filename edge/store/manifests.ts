import { waitUntil } from 'cloudflare:workers';
import type { MeshManifest } from '../../contract/mesh.ts';
import { Entries } from './index-entries.ts';
import { kvManifests } from './kv.ts';
import { isLive, manifestKey } from './manifest-text.ts';
import { listPage } from './page.ts';
import { manifestMemory, memoryManifests, type Memory } from './memory.ts';
import { r2Manifests, type R2Manifests } from './r2.ts';
import { readDown, writeCopies, type Background, type Tier } from './tiers.ts';
import type { ManifestTier } from '../../contract/tiers.ts';

/** Attempts to settle who wrote first, when manifests of one key keep appearing and going. */
const createAttemptsMax = 3;

/** The manifests that this isolate holds. */
const isolateMemory = manifestMemory(() => Date.now());

export type ManifestsOptions = {
  kv: KVNamespace;
  r2: R2Bucket;
  /** Clock in milliseconds since the epoch. */
  now?: () => number;
  /** Defaults to the isolate's own. */
  memory?: Memory<MeshManifest>;
};

/** The manifests of finished meshes: memory and KV hold copies, R2 the truth. An expired one counts as absent. */
export class Manifests {
  readonly #r2: R2Bucket;
  readonly #entries: Entries;
  readonly #now: () => number;
  readonly #truth: R2Manifests;
  readonly #memory: Memory<MeshManifest>;
  readonly #copies: readonly [memory: Tier<MeshManifest>, kv: Tier<MeshManifest>];

  constructor({ kv, r2, now = () => Date.now(), memory = isolateMemory }: ManifestsOptions) {
    this.#r2 = r2;
    this.#entries = new Entries(r2);
    this.#now = now;
    this.#truth = r2Manifests(r2, now);
    this.#memory = memory;
    this.#copies = [memoryManifests(memory, now), kvManifests({ kv, truth: this.#truth, now })];
  }

  /** The manifest with this request key from the nearest tier that has it, or null. */
  async read(
    key: string,
    background: Background = { waitUntil },
  ): Promise<{ manifest: MeshManifest; tier: ManifestTier } | null> {
    const found = await readDown({ tiers: this.#copies, truth: this.#truth }, key, background);
    if (!found) return null;
    if (found.tier === 'colo') throw new Error('no manifest is kept in the Cache API; this is a bug');
    return { manifest: found.value, tier: found.tier };
  }

  /** The manifest with this request key as this isolate holds it, or null. */
  held(key: string): MeshManifest | null {
    const manifest = this.#memory.get(key);
    return manifest !== null && isLive(manifest, this.#now()) ? manifest : null;
  }

  /** The manifest as R2 has it now, past every copy, with the etag that lets only its reader replace it. */
  async readTruth(key: string): Promise<{ manifest: MeshManifest; etag: string } | null> {
    const stored = await this.#truth.stored(key);
    return stored?.manifest && isLive(stored.manifest, this.#now()) ? { ...stored, manifest: stored.manifest } : null;
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
      if (await this.#truth.put(manifest, { etagDoesNotMatch: '*' })) {
        return this.#settled(manifest, { instead: null, created: true, background });
      }
      const existing = await this.#truth.stored(manifest.key);
      if (existing?.manifest && isLive(existing.manifest, this.#now())) {
        return this.#settled(existing.manifest, { instead: null, created: false, background });
      }
      if (existing && (await this.#truth.put(manifest, { etagMatches: existing.etag }))) {
        return this.#settled(manifest, { instead: existing.manifest, created: true, background });
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
    const existing = etag === null ? null : await this.#truth.stored(manifest.key);
    if (existing && existing.etag === etag) {
      if (await this.#truth.put(manifest, { etagMatches: etag })) {
        this.#settled(manifest, { instead: existing.manifest, created: true, background });
        return { manifest, replaced: true };
      }
    }
    const { manifest: canonical, created } = await this.create(manifest, background);
    return { manifest: canonical, replaced: created };
  }

  /**
   * Makes a stored mesh findable by what it is made of and consists of; gives what is stored of it then. What is not
   * stored any more (null) leaves no entry behind, which would hold bytes that no mesh has.
   */
  async name(manifest: MeshManifest): Promise<MeshManifest | null> {
    await this.#entries.write(manifest);
    const kept = await this.readKept(manifest.key);
    await this.#entries.removeOf(manifest, kept);
    return kept;
  }

  /** The manifest that R2 keeps under this key, expired or not; null when there is none or it is damaged. */
  async readKept(key: string): Promise<MeshManifest | null> {
    return (await this.#truth.stored(key))?.manifest ?? null;
  }

  /**
   * Lets a mesh expire at this time, unless it does earlier, and gives its manifest as it is stored then; null when
   * there is none. One that was replaced meanwhile stays as it is.
   */
  async retire(key: string, atSeconds: number): Promise<MeshManifest | null> {
    const stored = await this.#truth.stored(key);
    if (!stored?.manifest) return null;
    const expiresAtSeconds = Math.min(stored.manifest.expiresAtSeconds ?? Infinity, atSeconds);
    const manifest = { ...stored.manifest, expiresAtSeconds };
    if (!(await this.#truth.put(manifest, { etagMatches: stored.etag }))) return this.readKept(key);
    await writeCopies(this.#copies, key, manifest);
    return manifest;
  }

  /** Removes a manifest from R2 and then from every copy that can be reached; others forget it as the tiers' limits say. */
  async remove(key: string): Promise<void> {
    const manifest = await this.readKept(key);
    for (const tier of [this.#truth, ...this.#copies]) await tier.remove(key);
    if (manifest) await this.#entries.removeOf(manifest, null);
  }

  /** Whether R2 has a manifest under this key, expired or damaged ones included. */
  async isKept(key: string): Promise<boolean> {
    return (await this.#r2.head(manifestKey(key))) !== null;
  }

  /** Request keys of the manifests in R2, in their order, after one of them (null: from the first). */
  async keys({ after, max }: { after: string | null; max: number }): Promise<{ keys: string[]; more: boolean }> {
    const [prefix = '', ending = ''] = manifestKey('|').split('|');
    const page = await listPage(this.#r2, prefix, { after: after === null ? null : manifestKey(after), max });
    return { keys: page.objects.map(({ name }) => name.slice(0, -ending.length)), more: page.next !== null };
  }

  #settled(
    manifest: MeshManifest,
    { instead, created, background }: { instead: MeshManifest | null; created: boolean; background: Background },
  ) {
    background.waitUntil(writeCopies(this.#copies, manifest.key, manifest));
    if (instead) background.waitUntil(this.#entries.removeOf(instead, manifest));
    return { manifest, created };
  }
}
