import { MeshManifest } from '../../contract/mesh.ts';
import type { TierName } from './tiers.ts';

/** Where a mesh's manifest lies, in R2 and in KV. */
export function manifestKey(key: string): string {
  return `meshes/${key}.json`;
}

/** Where and of which mesh a stored text is. */
type Stored = { key: string; tier: TierName };

/** Reads a stored manifest; null, with a line in the log, when it is damaged or another mesh's. */
export function parseManifest(text: string, { key, tier }: Stored): MeshManifest | null {
  const parsed = MeshManifest.safeParse(parseJson(text));
  if (parsed.success && parsed.data.key === key) return parsed.data;
  console.error(JSON.stringify({ event: 'manifest_damaged', tier, key }));
  return null;
}

/** Reads a stored manifest that has not expired; else null, so that a lower tier, or a new run, makes it good. */
export function liveManifest(text: string, stored: Stored & { nowMs: number }): MeshManifest | null {
  const manifest = parseManifest(text, stored);
  return manifest && isLive(manifest, stored.nowMs) ? manifest : null;
}

/** Whether a manifest has not expired. */
export function isLive({ expiresAtSeconds }: MeshManifest, nowMs: number): boolean {
  return expiresAtSeconds === null || expiresAtSeconds * 1000 > nowMs;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no manifest: the schema refuses it, and the caller is told there
  }
}
