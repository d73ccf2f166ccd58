/** The tiers, nearest first; R2 alone is the truth. */
export type TierName = 'memory' | 'colo' | 'kv' | 'r2';

/** Where values are read by key; null is a value that is not there. */
export interface Source<Value> {
  readonly name: TierName;
  read(key: string): Promise<Value | null>;
  remove(key: string): Promise<void>;
}

/** A source that holds copies, as far as its own limits allow. */
export interface Tier<Value> extends Source<Value> {
  write(key: string, value: Value): Promise<void>;
}

/** What lets work go on after the answer: an execution context, or a stand-in for one. */
export type Background = { waitUntil(promise: Promise<unknown>): void };

/**
 * Reads down the tiers to the truth and, in the background, fills the nearer ones up from the first that has the key.
 * A tier that fails is passed by, since a copy is never the truth; the truth's own failure is thrown.
 */
export async function readDown<Value>(
  { tiers, truth }: { tiers: readonly Tier<Value>[]; truth: Source<Value> },
  key: string,
  background: Background,
): Promise<{ value: Value; tier: TierName } | null> {
  for (const [depth, tier] of tiers.entries()) {
    const value = await readCopy(tier, key);
    if (value === null) continue;
    if (depth > 0) background.waitUntil(writeCopies(tiers.slice(0, depth), key, value));
    return { value, tier: tier.name };
  }
  const value = await truth.read(key);
  if (value === null) return null;
  background.waitUntil(writeCopies(tiers, key, value));
  return { value, tier: truth.name };
}

/** Writes a value to each of these tiers; a failure is logged and costs no more than a later read further down. */
export async function writeCopies<Value>(tiers: readonly Tier<Value>[], key: string, value: Value): Promise<void> {
  await Promise.all(
    tiers.map((tier) => tier.write(key, value).catch((error: unknown) => logFailure(tier.name, 'write', error))),
  );
}

async function readCopy<Value>(tier: Tier<Value>, key: string): Promise<Value | null> {
  try {
    return await tier.read(key);
  } catch (error) {
    logFailure(tier.name, 'read', error);
    return null;
  }
}

function logFailure(tier: TierName, operation: 'read' | 'write', error: unknown): void {
  console.error(JSON.stringify({ event: 'cache_tier_failed', tier, operation, error: String(error) }));
}
