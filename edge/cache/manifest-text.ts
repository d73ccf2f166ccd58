import { MeshManifest } from '../../contract/mesh.ts';
import type { TierName } from './tiers.ts';

/** Where a mesh's manifest lies, in R2 and in KV. */
export function manifestKey(key: string): string {
  return `${manifestPrefix}${key}.json`;
}

/** Prefix of every manifest's key. */
export const manifestPrefix = 'meshes/';

/**
 * Reads a stored manifest; null when it has expired, or when it is damaged or another mesh's (then logged), so that a
 * lower tier, or in the end a new run, makes it good.
 */
export function parseManifest(
  text: string,
  expected: { key: string; tier: TierName; nowMs: number },
): MeshManifest | null {
  const parsed = MeshManifest.safeParse(parseJson(text));
  if (!parsed.success || parsed.data.key !== expected.key) {
    console.error(JSON.stringify({ event: 'manifest_damaged', tier: expected.tier, key: expected.key }));
    return null;
  }
  const { expiresAtSeconds } = parsed.data;
  return expiresAtSeconds !== null && expiresAtSeconds * 1000 <= expected.nowMs ? null : parsed.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no manifest: the schema refuses it, and the caller is told there
  }
}
