import type { ImageFacts } from './image-facts.ts';
import { unreadableKind } from './unreadable-kind.ts';

export function isJpeg(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === 0xd8;
}

/** Frame headers by what follows 0xff (ITU-T T.81, table B.1); DHP begins a hierarchical series of them. */
const frames = {
  readable: [0xc0, 0xc1, 0xc2, 0xc9, 0xca],
  lossless: [0xc3, 0xcb],
  hierarchical: [0xc5, 0xc6, 0xc7, 0xcd, 0xce, 0xcf, 0xde],
};

/** Finds the frame header before the first scan. Throws for the processes that no browser shows either. */
export function jpegFacts(view: DataView): ImageFacts | null {
  for (const { marker, at } of jpegSegments(view, 2)) {
    if (marker === 0xd9 || marker === 0xda) return null;
    if (frames.lossless.includes(marker)) throw unreadableKind('a lossless JPEG');
    if (frames.hierarchical.includes(marker)) throw unreadableKind('a hierarchical JPEG');
    if (!frames.readable.includes(marker)) continue;
    if (at + 7 > view.byteLength) return null;
    const bits = view.getUint8(at + 2);
    if (bits !== 8) throw unreadableKind(`a JPEG of ${bits} bits`, 'Save it with 8 bits, or as PNG.');
    return { width: view.getUint16(at + 5), height: view.getUint16(at + 3) };
  }
  return null;
}

/** A marker, and where its segment begins: the two bytes of its length. */
export type JpegSegment = { marker: number; at: number };

/**
 * The marker segments from a place on, as decoders find them: bytes that belong to none are passed over, fill bytes and
 * stuffed zeros too, and so are markers that have no segment, such as a restart (T.81 §B.1.1.2, §B.1.1.3).
 */
export function* jpegSegments(view: DataView, from: number): Generator<JpegSegment> {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  for (let at = from; ;) {
    at = bytes.indexOf(0xff, at);
    if (at < 0 || at + 1 >= bytes.length) return;
    const marker = bytes[at + 1] as number;
    at += marker === 0xff ? 1 : 2;
    const bare = marker === 0 || marker === 1 || marker === 0xff || (marker >= 0xd0 && marker <= 0xd7);
    if (bare) continue;
    yield { marker, at };
    if (at + 2 > bytes.length) return;
    if (marker !== 0xd9) at += Math.max(view.getUint16(at), 2);
  }
}
