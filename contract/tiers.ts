/** The tiers in which the edge looks for a manifest, nearest first. An answer names the one that had it. */
export const manifestTiers = ['memory', 'kv', 'r2'] as const;

export type ManifestTier = (typeof manifestTiers)[number];
