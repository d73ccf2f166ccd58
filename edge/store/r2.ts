import type { MeshManifest } from '../../contract/mesh.ts';
import { Problem } from '../../contract/problem.ts';
import { mediaTypes } from '../../contract/formats.ts';
import { heldAssetBytesMax, parseAssetFile, type Asset } from './asset.ts';
import type { BlobPlace, Blobs } from './blobs.ts';
import { isLive, manifestKey, parseManifest } from './manifest-text.ts';
import type { Source } from './tiers.ts';
import { withLength } from '../http/fixed-length.ts';
import { rangeBytes } from '../http/range.ts';
import { holds, verified } from './verify.ts';

/** Manifests in R2, with what only the truth can do: conditional writes. */
export type R2Manifests = Source<MeshManifest> & {
  /** What lies under a key now, expired or not; `manifest` is null when it is damaged. */
  stored(key: string): Promise<{ manifest: MeshManifest | null; etag: string } | null>;
  /** Writes when the condition holds; false when it does not. */
  put(manifest: MeshManifest, onlyIf: R2Conditional): Promise<boolean>;
};

/** The truth about meshes: `meshes/<key>.json`. */
export function r2Manifests(r2: R2Bucket, now: () => number): R2Manifests {
  const stored: R2Manifests['stored'] = async (key) => {
    const object = await r2.get(manifestKey(key));
    if (!object) return null;
    return { manifest: parseManifest(await object.text(), { key, tier: 'r2' }), etag: object.etag };
  };
  return {
    name: 'r2',
    stored,
    async read(key) {
      const manifest = (await stored(key))?.manifest;
      return manifest && isLive(manifest, now()) ? manifest : null;
    },
    async put(manifest, onlyIf) {
      const object = await r2.put(manifestKey(manifest.key), JSON.stringify(manifest), {
        onlyIf,
        httpMetadata: { contentType: 'application/json' },
      });
      return object !== null;
    },
    async remove(key) {
      await r2.delete(manifestKey(key));
    },
  };
}

export type R2AssetsOptions = {
  blobs: Blobs;
  /** Request key of the private mesh whose blobs these are. */
  privateTo: string | undefined;
  /** Hears of a blob that R2 gave wrong bytes for. */
  onDamage: (blob: BlobPlace) => void;
};

/** The truth about assets: `blobs/<sha256>`. Throws the Problem `internal_error` for a small one that is damaged. */
export function r2Assets({ blobs, privateTo, onDamage }: R2AssetsOptions): Source<Asset> {
  return {
    name: 'r2',
    async read(file) {
      const name = parseAssetFile(file);
      if (!name) return null;
      const blob = { sha256: name.sha256, privateTo };
      const object = await blobs.open(blob);
      if (!object) return null;
      const mediaType = mediaTypes[name.extension];
      if (object.httpMetadata?.contentType !== mediaType) {
        await object.body.cancel();
        return null;
      }
      if (object.size <= heldAssetBytesMax) {
        const bytes = new Uint8Array(await object.arrayBuffer());
        if (await holds(bytes, name.sha256)) return { kind: 'held', mediaType, sizeBytes: bytes.byteLength, bytes };
        onDamage(blob);
        throw damaged(name.sha256);
      }
      return {
        kind: 'streamed',
        mediaType,
        sizeBytes: object.size,
        async open(range) {
          if (!range) {
            const { size: sizeBytes } = object;
            return verified(object.body, { sha256: name.sha256, sizeBytes, onDamage: () => onDamage(blob) });
          }
          await object.body.cancel();
          const part = await blobs.open(blob, { offset: range.start, length: rangeBytes(range) });
          return part && withLength(part.body, rangeBytes(range));
        },
        discard: () => object.body.cancel(),
      };
    },
    async remove(file) {
      const name = parseAssetFile(file);
      if (name) await blobs.remove({ sha256: name.sha256, privateTo });
    },
  };
}

function damaged(sha256: string): Problem {
  return new Problem('internal_error', 'The stored bytes of this asset are damaged and were set aside.', {
    cause: new Error(`R2 gave bytes that do not have SHA-256 ${sha256}`),
  });
}
