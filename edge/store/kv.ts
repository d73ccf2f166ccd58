import { canonicalJson } from '../../contract/canonical-json.ts';
import type { MeshManifest } from '../../contract/mesh.ts';
import { manifestKey, liveManifest } from './manifest-text.ts';
import type { Source, Tier } from './tiers.ts';

/** Seconds for which a location keeps what KV told it, absence too: the time by which a purge is heard everywhere. */
export const kvCacheSeconds = 60;

/** Life of a KV copy in seconds, so that one that was left behind ends by then. */
export const kvLifeSeconds = 24 * 60 * 60;

/** The shortest life that KV takes, in seconds. */
const kvLifeSecondsMin = 60;

export type KvManifestsOptions = { kv: KVNamespace; truth: Source<MeshManifest>; now: () => number };

/** Copies of manifests in KV. What it lacks may well exist, since KV remembers absence; a corrupt copy counts as none. */
export function kvManifests({ kv, truth, now }: KvManifestsOptions): Tier<MeshManifest> {
  return {
    name: 'kv',
    async read(key) {
      const text = await kv.get(manifestKey(key), { type: 'text', cacheTtl: kvCacheSeconds });
      return text === null ? null : liveManifest(text, { key, tier: 'kv', nowMs: now() });
    },
    async write(key, manifest) {
      const leftSeconds = (manifest.expiresAtSeconds ?? Infinity) - Math.floor(now() / 1000);
      if (leftSeconds < kvLifeSecondsMin) return;
      await kv.put(manifestKey(key), JSON.stringify(manifest), {
        expirationTtl: Math.min(leftSeconds, kvLifeSeconds),
      });
      // A purge or refresh deletes in R2 first and here second. Had it run between our read and this copy, the copy
      // would outlive it; so whoever copies looks at R2 once more, afterwards.
      const current = await truth.read(key);
      if (current === null || canonicalJson(current) !== canonicalJson(manifest)) await kv.delete(manifestKey(key));
    },
    async remove(key) {
      await kv.delete(manifestKey(key));
    },
  };
}
