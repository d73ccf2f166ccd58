import type { ByteRange } from '../http/range.ts';
import { assetFile, type Asset, type AssetName, type HeldAsset } from './asset.ts';
import type { BlobPlace, Blobs } from './blobs.ts';
import { coloAssets } from './colo.ts';
import { assetMemory, memoryAssets } from './memory.ts';
import { r2Assets } from './r2.ts';
import { readDown, type Background, type Source, type Tier, type TierName } from './tiers.ts';

/** The small assets that this isolate holds. */
const isolateMemory = assetMemory(() => Date.now());

export type AssetsOptions = {
  blobs: Blobs;
  /** Acts on a blob that R2 gave wrong bytes for, in the background. */
  onDamage: (blob: BlobPlace) => Promise<void>;
  background: Background;
  /** Shared assets are copied to the location's cache under their public URL; no cache may hold a private one. */
  place: { kind: 'shared'; assetsUrl: string } | { kind: 'private'; meshKey: string };
};

export type FoundAsset = { asset: Asset; tier: TierName };

/** The asset of this name from the nearest tier that has it, or null; a wrong extension is an absent asset. */
export async function readAsset(name: AssetName, options: AssetsOptions): Promise<FoundAsset | null> {
  const truth = truthOf(options);
  const found = await readDown({ tiers: tiersOf(options, truth), truth }, assetFile(name), options.background);
  return found && { asset: found.value, tier: found.tier };
}

/** The shared asset of this name that this isolate holds, or null. */
export function heldAsset(name: AssetName): (FoundAsset & { asset: HeldAsset; tier: 'memory' }) | null {
  const asset = isolateMemory.get(assetFile(name));
  return asset && { asset, tier: 'memory' };
}

/** Lets go of a found asset whose bytes are not wanted. */
export async function discardAsset({ asset }: FoundAsset): Promise<void> {
  if (asset.kind === 'streamed') await asset.discard();
}

/** The bytes of a found asset, whole or a part; null when it was removed since. */
export async function openAsset(
  { name, found, range }: { name: AssetName; found: FoundAsset; range: ByteRange | null },
  options: AssetsOptions,
): Promise<Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null> {
  const { asset, tier } = found;
  if (asset.kind === 'held') return range ? asset.bytes.subarray(range.start, range.end + 1) : asset.bytes;
  const body = await asset.open(range);
  if (body || tier === 'r2') return body;
  // A nearer tier may drop a large asset between the look and the read; the truth then gives it.
  const truth = await truthOf(options).read(assetFile(name));
  return truth?.kind === 'streamed' ? truth.open(range) : null;
}

/** The cache of the location that runs this, by the public URL of the assets that it holds. */
export type Colo = { assetsUrl: string };

/** Removes a shared asset from R2 and from the caches that this isolate can reach; `colo` is null off a request. */
export async function forgetAsset(
  name: AssetName,
  { blobs, colo }: { blobs: Blobs; colo: Colo | null },
): Promise<void> {
  await blobs.remove({ sha256: name.sha256 });
  if (colo !== null) await caches.default.delete(colo.assetsUrl + assetFile(name));
  isolateMemory.delete(assetFile(name));
}

function tiersOf({ place }: AssetsOptions, truth: Source<Asset>): readonly Tier<Asset>[] {
  return place.kind === 'shared'
    ? [memoryAssets(isolateMemory), coloAssets({ assetsUrl: place.assetsUrl, truth })]
    : [];
}

function truthOf({ blobs, onDamage, background, place }: AssetsOptions): Source<Asset> {
  const privateTo = place.kind === 'private' ? place.meshKey : undefined;
  return r2Assets({ blobs, privateTo, onDamage: (blob) => background.waitUntil(onDamage(blob)) });
}
