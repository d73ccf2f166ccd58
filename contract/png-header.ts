import type { CodedColour } from './coded-colour.ts';
import type { ImageFacts } from './image-facts.ts';
import { unreadableKind } from './unreadable-kind.ts';

const signatureBytes = 8;
/** Length and type before a chunk's data, and the checksum after it. */
const chunkFrameBytes = 12;

/** The IHDR chunk comes first (PNG §11.2.1); Apple's own variant begins with another, CgBI. */
export function pngFacts(view: DataView): ImageFacts | null {
  if (view.byteLength < 33) return null;
  const first = typeOf(view, signatureBytes);
  if (first === 'CgBI') {
    throw unreadableKind(
      "Apple's variant of PNG (CgBI), as it lies inside iOS apps",
      'Convert it with Xcode\'s "pngcrush -revert-iphone-optimizations", or send the PNG it was made from.',
    );
  }
  if (first !== 'IHDR') return null;
  return { width: view.getUint32(16), height: view.getUint32(20), colour: codedColour(view) };
}

/** The cICP chunk, which comes before the pixels (PNG §11.3.2.6); chunks of any size may stand before it. */
function codedColour(view: DataView): CodedColour | null {
  for (let at = signatureBytes; at + chunkFrameBytes <= view.byteLength;) {
    const type = typeOf(view, at);
    if (type === 'IDAT') return null;
    const length = view.getUint32(at);
    if (type === 'cICP' && length === 4) return { primaries: view.getUint8(at + 8), transfer: view.getUint8(at + 9) };
    at += chunkFrameBytes + length;
  }
  return null;
}

function typeOf(view: DataView, chunk: number): string {
  return String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + chunk + 4, 4));
}
