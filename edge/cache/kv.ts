import type { MeshManifest } from '../../contract/mesh.ts';
import { manifestKey, parseManifest } from './manifest-text.ts';
import type { Tier } from './tiers.ts';

/** Seconds for which a location keeps what KV told it, absence too: the time by which a purge is heard everywhere. */
export const kvCacheSeconds = 60;

/** Life of a KV copy in seconds: a copy written by a reader that raced a purge or a refresh ends by then. */
export const kvLifeSeconds = 24 * 60 * 60;

/** The shortest life that KV takes, in seconds. */
const kvLifeSecondsMin = 60;

/** Copies of manifests in KV. What it lacks may well exist, since KV remembers absence; a corrupt copy counts as none. */
export function kvManifests(kv: KVNamespace, now: () => number): Tier<MeshManifest> {
  return {
    name: 'kv',
    async read(key) {
      const text = await kv.get(manifestKey(key), { type: 'text', cacheTtl: kvCacheSeconds });
      return text === null ? null : parseManifest(text, { key, tier: 'kv', nowMs: now() });
    },
    async write(key, manifest) {
      const leftSeconds = (manifest.expiresAtSeconds ?? Infinity) - Math.floor(now() / 1000);
      if (leftSeconds < kvLifeSecondsMin) return;
      await kv.put(manifestKey(key), JSON.stringify(manifest), {
        expirationTtl: Math.min(leftSeconds, kvLifeSeconds),
      });
    },
    async remove(key) {
      await kv.delete(manifestKey(key));
    },
  };
}
