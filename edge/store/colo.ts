import { waitUntil } from 'cloudflare:workers';
import { withLength } from '../http/fixed-length.ts';
import { contentRange, rangeBytes, type ByteRange } from '../http/range.ts';
import { heldAssetBytesMax, type Asset } from './asset.ts';
import type { Source, Tier } from './tiers.ts';
import { holds, verified } from './verify.ts';

/** Life of an asset in a location's cache, in seconds: the time by which a purge is heard there. */
export const coloLifeSeconds = 60 * 60;

/** Seconds after which a fill that was never heard of again (its request was ended) no longer holds off another. */
const fillSecondsMax = 60;

/** Files that this isolate is copying into the cache, with the start of each in milliseconds. */
const filling = new Map<string, number>();

export type ColoAssetsOptions = {
  /** Public URL of the assets, with a slash at its end: each is kept under its own. */
  assetsUrl: string;
  /** Where a large asset is read once more to be copied here. */
  truth: Source<Asset>;
};

/**
 * Whole public assets in the location's Cache API. The requests that it sees are our own, never a client's conditional
 * headers: it ignores Vary and, in Miniflare, gets If-Range wrong. The cache is looked up where it is used: that alone
 * was a twentieth of a hit from memory, which needs none.
 */
export function coloAssets({ assetsUrl, truth }: ColoAssetsOptions): Tier<Asset> {
  return {
    name: 'colo',
    async read(file) {
      const url = assetsUrl + file;
      const response = await caches.default.match(url);
      if (!response?.body) return null;
      const mediaType = response.headers.get('content-type') ?? '';
      const sizeBytes = Number(response.headers.get('content-length'));
      // Bytes that are wrong here were right when they entered, so the copy goes and the truth stays.
      if (sizeBytes > heldAssetBytesMax) {
        return streamedAsset(response.body, { url, mediaType, sizeBytes, sha256: digestOf(file) });
      }
      const bytes = new Uint8Array(await response.arrayBuffer());
      if (await holds(bytes, digestOf(file))) return { kind: 'held', mediaType, sizeBytes: bytes.byteLength, bytes };
      await caches.default.delete(url);
      throw new Error(`the copy of ${file} is damaged`);
    },
    async write(file, asset) {
      if (Date.now() - (filling.get(file) ?? 0) < fillSecondsMax * 1000) return;
      filling.set(file, Date.now());
      try {
        await fill(assetsUrl + file, asset.kind === 'held' ? asset : await truth.read(file));
      } finally {
        filling.delete(file);
      }
    },
    async remove(file) {
      await caches.default.delete(assetsUrl + file);
    },
  };
}

function streamedAsset(
  body: ReadableStream<Uint8Array>,
  copy: { url: string; mediaType: string; sizeBytes: number; sha256: string },
): Asset {
  const { url, mediaType, sizeBytes, sha256 } = copy;
  const onDamage = () => waitUntil(caches.default.delete(url));
  return {
    kind: 'streamed',
    mediaType,
    sizeBytes,
    async open(range) {
      if (!range) return verified(body, { sha256, sizeBytes, onDamage });
      await body.cancel();
      return openRange(url, { range, sizeBytes });
    },
    discard: () => body.cancel(),
  };
}

/** A part of a copy; null when the cache dropped it meanwhile or gave another part. */
async function openRange(
  url: string,
  { range, sizeBytes }: { range: ByteRange; sizeBytes: number },
): Promise<ReadableStream<Uint8Array> | null> {
  const response = await caches.default.match(
    new Request(url, { headers: { range: `bytes=${range.start}-${range.end}` } }),
  );
  if (!response?.body) return null;
  if (response.headers.get('content-range') === contentRange(range, sizeBytes)) {
    return withLength(response.body, rangeBytes(range));
  }
  await response.body.cancel();
  return null;
}

/**
 * Puts an asset into the cache. A large one comes from a second read of the truth, not from a tee of the answer, which
 * would hold in memory whatever the slower side has not read yet.
 */
async function fill(url: string, asset: Asset | null): Promise<void> {
  const body = asset?.kind === 'streamed' ? await asset.open(null) : asset?.bytes;
  if (!asset || !body) return;
  const headers = {
    'content-type': asset.mediaType,
    'content-length': String(asset.sizeBytes),
    'cache-control': `public, max-age=${coloLifeSeconds}`,
  };
  try {
    await caches.default.put(url, new Response(body, { headers }));
  } catch (error) {
    // Miniflare keeps what came before a stream failed.
    await caches.default.delete(url);
    throw error;
  }
}

function digestOf(file: string): string {
  return file.slice(0, file.indexOf('.'));
}
