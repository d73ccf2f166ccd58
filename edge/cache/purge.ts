import type { MeshManifest } from '../../contract/mesh.ts';
import { forgetAsset } from './assets.ts';
import { blobKey } from './blobs.ts';
import { coloLifeSeconds } from './colo.ts';
import { blobsOf, indexedKeys, removeEntry, type IndexEntry, type IndexedBy } from './index-entries.ts';
import { kvCacheSeconds } from './kv.ts';
import type { Manifests } from './manifests.ts';
import { memoryLifeSeconds } from './memory.ts';

/** Meshes that one call removes: each takes up to 15 calls to storage, and an invocation has 1,000. */
export const purgedMeshesMax = 50;

/** What to purge: one mesh, or all with this model (`name@version`), picture or blob (asset or thumbnail). */
export type PurgeSelector =
  | { by: 'id'; key: string }
  | { by: 'model'; model: string }
  | { by: 'image' | 'blob'; sha256: string };

export type PurgeOptions = {
  r2: R2Bucket;
  manifests: Manifests;
  /** The cache of the location that runs the purge, and the public URL of the assets in it. */
  cache: Cache;
  assetsUrl: string;
};

/**
 * Seconds after which each layer has surely forgotten what was purged. Copies in browsers cannot be recalled: their
 * answers were immutable. Memory can be filled from KV, and from the location's cache, at the end of their time.
 */
const forgottenAfterSeconds = {
  r2: 0,
  kv: kvCacheSeconds,
  manifestsInMemory: kvCacheSeconds + memoryLifeSeconds,
  assetsInColo: coloLifeSeconds,
  assetsInMemory: coloLifeSeconds + memoryLifeSeconds,
} as const;

export type PurgeReport = {
  /** Request keys of the meshes that were removed. */
  meshes: string[];
  /** Digests whose bytes were removed: blobs, private blobs and pictures. */
  digests: string[];
  /** Digests whose bytes stay, since other meshes have the same. */
  shared: string[];
  /** False when more than `purgedMeshesMax` were found: the same call goes on. */
  complete: boolean;
  forgottenAfterSeconds: typeof forgottenAfterSeconds;
};

/**
 * Removes meshes: the bytes that no other mesh has, then the manifest, then what they are found by, so that a call that
 * broke off is simply made again. A flight that is making such a mesh is the caller's to end.
 */
export async function purge(selector: PurgeSelector, options: PurgeOptions): Promise<PurgeReport> {
  const { keys, more } = await selectedKeys(selector, options.r2);
  const meshes: string[] = [];
  const digests = new Set<string>();
  const shared = new Set<string>();
  for (const key of keys) {
    for (const sha256 of await purgePrivateBlobs(key, options.r2)) digests.add(sha256);
    const manifest = await options.manifests.readKept(key);
    if (manifest) {
      meshes.push(key);
      const { purged, kept } = await purgeBytes(manifest, options);
      for (const sha256 of purged) digests.add(sha256);
      for (const sha256 of kept) shared.add(sha256);
    }
    await options.manifests.remove(key);
    if (selector.by !== 'id') await removeEntry(options.r2, { ...indexed(selector), key });
  }
  return {
    meshes,
    digests: [...digests],
    shared: [...shared].filter((sha256) => !digests.has(sha256)),
    complete: !more,
    forgottenAfterSeconds,
  };
}

async function selectedKeys(selector: PurgeSelector, r2: R2Bucket): Promise<{ keys: string[]; more: boolean }> {
  if (selector.by === 'id') return { keys: [selector.key], more: false };
  return indexedKeys(r2, { ...indexed(selector), max: purgedMeshesMax });
}

function indexed(selector: Exclude<PurgeSelector, { by: 'id' }>): { by: IndexedBy; value: string } {
  return { by: selector.by, value: selector.by === 'model' ? selector.model : selector.sha256 };
}

async function purgePrivateBlobs(key: string, r2: R2Bucket): Promise<string[]> {
  const prefix = blobKey({ sha256: '', privateTo: key });
  const { objects } = await r2.list({ prefix });
  const names = objects.map((object) => object.key);
  if (names.length > 0) await r2.delete(names);
  return names.map((name) => name.slice(prefix.length));
}

async function purgeBytes(
  manifest: MeshManifest,
  options: PurgeOptions,
): Promise<{ purged: string[]; kept: string[] }> {
  const { r2 } = options;
  const { key, imageSha256 } = manifest;
  const purged: string[] = [];
  const kept: string[] = [];
  for (const blob of blobsOf(manifest)) {
    const used = await isUsedElsewhere(r2, { by: 'blob', value: blob.sha256, key });
    if (!used) await forgetAsset(blob, options);
    (used ? kept : purged).push(blob.sha256);
  }
  if (!(await isUsedElsewhere(r2, { by: 'image', value: imageSha256, key }))) {
    await r2.delete(`inputs/${imageSha256}`);
    purged.push(imageSha256);
  }
  return { purged, kept };
}

async function isUsedElsewhere(r2: R2Bucket, { by, value, key }: IndexEntry): Promise<boolean> {
  const { keys } = await indexedKeys(r2, { by, value, max: 2 });
  return keys.some((other) => other !== key);
}
