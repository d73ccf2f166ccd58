import { mediaTypes, type FileExtension } from '../../contract/formats.ts';
import type { ByteRange } from '../http/range.ts';

/** Assets up to this size are held whole and checked before their first byte is sent; larger ones only stream through. */
export const heldAssetBytesMax = 1024 * 1024;

/** An asset as one tier has it. */
export type Asset = { mediaType: string; sizeBytes: number } & (
  | { kind: 'held'; bytes: Uint8Array<ArrayBuffer> }
  | {
      kind: 'streamed';
      /**
       * Opens the whole (its digest is checked on the way: a damaged stream fails before its last byte) or a part;
       * null when the tier has lost the asset meanwhile. Either this or `discard` is called, once.
       */
      open(range: ByteRange | null): Promise<ReadableStream<Uint8Array> | null>;
      discard(): Promise<void>;
    }
);

/** An asset that is held whole. */
export type HeldAsset = Asset & { kind: 'held' };

/** The name of an asset; its tiers are keyed by the file name, so that a wrong extension is simply absent. */
export type AssetName = { sha256: string; extension: FileExtension };

/** Whether a media type is that of an asset: it decides how a browser takes the bytes. */
export function isAssetMediaType(text: string): boolean {
  return Object.values(mediaTypes).includes(text);
}

/** The file name of an asset: `<sha256>.<extension>`. */
export function assetFile(name: AssetName): string {
  return `${name.sha256}.${name.extension}`;
}

/** The name in a file name, or null when it is not one. */
export function parseAssetFile(file: string): AssetName | null {
  const [, sha256, extension] = /* defence: API8-4 */ /^([0-9a-f]{64})\.([a-z]{1,8})$/.exec(file) ?? [];
  return sha256 !== undefined && isExtension(extension) ? { sha256, extension } : null;
}

function isExtension(text: string | undefined): text is FileExtension {
  return text !== undefined && Object.hasOwn(mediaTypes, text);
}
