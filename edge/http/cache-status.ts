import type { CacheOutcome } from '../../contract/mesh.ts';

/** What the cache did for a request that asked for a mesh; `refused` stands for a remembered failure. */
export type MeshOutcome = CacheOutcome | { status: 'refused' };

/** The name of this cache in Cache-Status (RFC 9211 §2). */
const cacheName = 'meshkiln';

/**
 * Cache-Status of a mesh (RFC 9211 §2.1–2.6). `stored` says that this answer was stored: false while a miss is in the
 * making, and when it failed.
 */
export function cacheStatus(outcome: CacheOutcome, options: { stored: boolean } = { stored: true }): string {
  if (outcome.status === 'hit') return hitFrom(outcome.tier);
  const how = outcome.status === 'joined' ? 'collapsed' : options.stored ? 'stored' : null;
  const detail = outcome.reused === null ? null : `detail=${outcome.reused}`;
  return [cacheName, 'fwd=miss', how, detail].filter((part) => part !== null).join('; ');
}

/** Cache-Status of an answer from a tier, or from a remembered `failure` (a negative hit). */
export function hitFrom(tier: string): string {
  return `${cacheName}; hit; detail=${tier}`;
}

/** Cache-Status when `only_if_cached` found nothing: no hit, and no `fwd`, since nothing was forwarded (§2.2). */
export const notForwarded = `${cacheName}; detail=not_cached`;
