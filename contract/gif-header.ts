import type { ImageFacts } from './image-facts.ts';

/** Signature and logical screen descriptor (GIF89a §17, §18). */
const headerBytes = 13;
/** First bytes of an image descriptor and of an extension (GIF89a §20, §23). */
const [imageMark, extensionMark] = [0x2c, 0x21];

/**
 * The logical screen, or as far as frames reach where that is further: some encoders write a screen of 0 × 0, and decoders
 * show the frames.
 */
export function gifFacts(view: DataView): ImageFacts | null {
  if (view.byteLength < headerBytes) return null;
  const size = { width: view.getUint16(6, true), height: view.getUint16(8, true) };
  for (const at of frameDescriptors(view)) {
    size.width = Math.max(size.width, view.getUint16(at + 1, true) + view.getUint16(at + 5, true));
    size.height = Math.max(size.height, view.getUint16(at + 3, true) + view.getUint16(at + 7, true));
  }
  return size;
}

/** Where each image descriptor begins, up to the end or the first byte that makes no sense. */
function* frameDescriptors(view: DataView): Generator<number> {
  let at = headerBytes + tableBytes(view.getUint8(10));
  while (at + 10 <= view.byteLength) {
    const mark = view.getUint8(at);
    if (mark === imageMark) {
      yield at;
      at = afterBlocks(view, at + 10 + tableBytes(view.getUint8(at + 9)) + 1);
    } else if (mark === extensionMark) {
      at = afterBlocks(view, at + 2);
    } else return;
  }
}

/** Bytes of the colour table that packed fields announce. */
function tableBytes(packed: number): number {
  return packed & 0x80 ? 3 << ((packed & 7) + 1) : 0;
}

/** Passes over data sub-blocks and their terminator (GIF89a §15, §16). */
function afterBlocks(view: DataView, from: number): number {
  let at = from;
  while (at < view.byteLength && view.getUint8(at) > 0) at += 1 + view.getUint8(at);
  return at + 1;
}
