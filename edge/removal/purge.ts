import { surfaceKeysOf, type MeshManifest } from '../../contract/mesh.ts';
import type { MeshIndex } from '../search/mesh-index.ts';
import type { Stores } from '../store/stores.ts';
import type { NamedSurfaces } from './named-surfaces.ts';
import { forgetAsset, type Colo } from '../store/assets.ts';
import { coloLifeSeconds } from '../store/colo.ts';
import { blobsOf, type Entries, type IndexEntry, type IndexedBy } from '../store/index-entries.ts';
import { kvCacheSeconds } from '../store/kv.ts';
import { memoryLifeSeconds } from '../store/memory.ts';
import { removeUnusedBlob } from './unused-blob.ts';

/** Meshes that one round removes: each takes some 20 calls to storage, and an invocation has 10,000. */
export const purgedMeshesMax = 50;

/** What to purge: one mesh, or all with this model (`name@version`), tag, picture or blob (asset or thumbnail). */
export type PurgeSelector =
  | { by: 'id'; key: string }
  | { by: 'model'; model: string }
  | { by: 'tag'; tag: string }
  | { by: 'image' | 'blob'; sha256: string };

export type PurgeOptions = Stores & {
  index: MeshIndex;
  geometry: NamedSurfaces;
  /** The cache of the location that runs the purge. */
  colo: Colo | null;
  /**
   * Ends the flight that is making a mesh, so that its result is refused; false when there is none. Null leaves
   * flights, and the pictures that they need, alone: what a sweep does.
   */
  endFlight: ((key: string) => Promise<boolean>) | null;
};

/**
 * Seconds after which each layer has surely forgotten what was purged. Copies in browsers cannot be recalled: their
 * answers were immutable. Memory can be filled from KV, and from the location's cache, at the end of their time.
 */
export const forgottenAfterSeconds = {
  r2: 0,
  kv: kvCacheSeconds,
  manifestsInMemory: kvCacheSeconds + memoryLifeSeconds,
  assetsInColo: coloLifeSeconds,
  assetsInMemory: coloLifeSeconds + memoryLifeSeconds,
} as const;

export type PurgeReport = {
  /** Request keys that were found, finished or not. */
  keys: string[];
  /** Request keys of the meshes that were removed. */
  meshes: string[];
  /** Request keys whose flights were ended. */
  flights: string[];
  /** Digests whose bytes were removed: blobs, private blobs and pictures. */
  digests: string[];
  /** Geometry keys whose surfaces were removed. */
  surfaces: string[];
  /** Digests and geometry keys whose bytes stay, since other meshes have the same. */
  shared: string[];
  /** False when more than `purgedMeshesMax` were found: the same call goes on. */
  complete: boolean;
};

/**
 * Removes meshes: the bytes that no other mesh has, then the manifest, then what they are found by, D1 last, so that a call that
 * broke off is simply made again.
 */
export async function purge(selector: PurgeSelector, options: PurgeOptions): Promise<PurgeReport> {
  const { keys, more } = await selectedKeys(selector, options);
  const report: PurgeReport = {
    keys,
    meshes: [],
    flights: [],
    digests: [],
    surfaces: [],
    shared: [],
    complete: !more,
  };
  for (const key of keys) {
    // First, so that no result comes in behind the purge.
    if (await options.endFlight?.(key)) report.flights.push(key);
    report.digests.push(...(await options.blobs.removePrivate(key)));
    const manifest = await options.manifests.readKept(key);
    if (manifest) {
      report.meshes.push(key);
      await purgeBytes(manifest, options, report);
    }
    await options.manifests.remove(key);
    // Its origin may have named its surfaces again, and sent them, until a moment ago.
    if (manifest) await options.geometry.removeUnnamed(surfaceKeysOf(manifest));
    for (const entry of indexed(selector)) await options.entries.remove({ ...entry, key });
  }
  await options.index.forget(keys);
  return withoutRepeats(report);
}

/** Joins the reports of two rounds of one purge. */
export function joinReports(first: PurgeReport, second: PurgeReport): PurgeReport {
  const joined = { ...second };
  for (const list of ['keys', 'meshes', 'flights', 'digests', 'surfaces', 'shared'] as const) {
    joined[list] = [...first[list], ...second[list]];
  }
  return withoutRepeats(joined);
}

function withoutRepeats(report: PurgeReport): PurgeReport {
  const digests = new Set(report.digests);
  const surfaces = new Set(report.surfaces);
  return {
    ...report,
    digests: [...digests],
    surfaces: [...surfaces],
    // Two purged meshes can share bytes. The first mesh leaves them to the second, which removes them.
    shared: [...new Set(report.shared)].filter((name) => !digests.has(name) && !surfaces.has(name)),
  };
}

async function selectedKeys(
  selector: PurgeSelector,
  { entries }: PurgeOptions,
): Promise<{ keys: string[]; more: boolean }> {
  if (selector.by === 'id') return { keys: [selector.key], more: false };
  const keys: string[] = [];
  for (const entry of indexed(selector)) {
    const found = await entries.keys({ ...entry, max: purgedMeshesMax });
    keys.push(...found.keys);
    if (found.more) return { keys, more: true };
  }
  return { keys, more: false };
}

/** Where the meshes of a selector are listed. */
function indexed(selector: PurgeSelector): { by: IndexedBy; value: string }[] {
  if (selector.by === 'id') return [];
  if (selector.by === 'model') return [{ by: 'model', value: selector.model }];
  if (selector.by === 'tag') return [{ by: 'tag', value: selector.tag }];
  if (selector.by === 'image') return [{ by: 'image', value: selector.sha256 }];
  return [
    { by: 'blob', value: selector.sha256 },
    { by: 'private-blob', value: selector.sha256 },
  ];
}

async function purgeBytes(manifest: MeshManifest, options: PurgeOptions, report: PurgeReport): Promise<void> {
  const { key, imageSha256 } = manifest;
  // Those of a private mesh lie elsewhere and went before.
  for (const blob of manifest.owner === undefined ? blobsOf(manifest) : []) {
    const remove = () => forgetAsset(blob, options);
    const removed = await removeUnusedBlob({ sha256: blob.sha256 }, { ...options, letGoBy: key, remove });
    if (removed) await options.damageNotes.remove(blob.sha256);
    (removed ? report.digests : report.shared).push(blob.sha256);
  }
  for (const surface of surfaceKeysOf(manifest)) {
    // First, so that no origin brings the surface back behind the purge; the manifest still tells of it.
    await options.entries.remove({ by: 'geometry', value: surface, key });
    const used = await isUsedElsewhere(options.entries, { by: 'geometry', value: surface, key });
    if (!used) await options.geometry.remove([surface]);
    (used ? report.shared : report.surfaces).push(surface);
  }
  if (options.endFlight === null) return;
  if (await isUsedElsewhere(options.entries, { by: 'image', value: imageSha256, key })) return;
  await options.inputs.remove([imageSha256]);
  report.digests.push(imageSha256);
}

async function isUsedElsewhere(entries: Entries, { by, value, key }: IndexEntry): Promise<boolean> {
  const { keys } = await entries.keys({ by, value, max: 2 });
  return keys.some((other) => other !== key);
}
