import { jpegSegments } from '../../contract/jpeg-header.ts';

const endMarker = [0xff, 0xd9];
/** Bytes of nonsense, more than any block of pixels takes. */
const paddingBytes = 1024;

/**
 * A JPEG that does not end, ended in two ways: at once, and after bytes that a decoder reads for pixels if any are
 * missing. Both show the same picture when none is. Null for one that has no scan, or whose last scans are missing.
 */
export function endedJpegs(image: Uint8Array): { whole: Uint8Array; padded: Uint8Array } | null {
  if (!isRefined(image)) return null;
  const data = image.subarray(0, lengthWithoutZeros(image));
  // No 0xff, which would begin a marker.
  const padding = Uint8Array.from({ length: paddingBytes }, (_, i) => (i * 151 + ((i * i) >> 3)) % 255);
  return { whole: joined(data, [], endMarker), padded: joined(data, padding, endMarker) };
}

/** Zeros at the end are what a broken download left, or padding; a scan's last byte is one only after 0xff. */
function lengthWithoutZeros(image: Uint8Array): number {
  let length = image.length;
  while (length > 0 && image[length - 1] === 0 && image[length - 2] !== 0xff) length--;
  return length;
}

/**
 * Whether the scans that are there hold every bit of every coefficient (ITU-T T.81 §G.1.1): of each component, all 64
 * from some scan on with no bits left out. A sequential JPEG has all of a component in one scan.
 */
function isRefined(image: Uint8Array): boolean {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  const left = new Map<number, Uint8Array>();
  let progressive = false;
  for (const { marker, at } of jpegSegments(view, 2)) {
    const end = at + 2 <= image.length ? at + view.getUint16(at) : Infinity;
    if (end > image.length) return false;
    if ([0xc0, 0xc1, 0xc2, 0xc9, 0xca].includes(marker)) {
      progressive = marker === 0xc2 || marker === 0xca;
      for (let k = at + 8; k + 3 <= end; k += 3) left.set(image[k] as number, new Uint8Array(64).fill(1));
    }
    if (marker !== 0xda) continue;
    const count = image[at + 2] as number;
    const [first = 0, last = 0, bits = 0] = image.subarray(at + 3 + 2 * count, at + 6 + 2 * count);
    for (let k = 0; k < count; k++) {
      const coefficients = left.get(image[at + 3 + 2 * k] as number);
      if (progressive) coefficients?.fill(bits & 15, first, last + 1);
      else coefficients?.fill(0);
    }
  }
  return left.size > 0 && [...left.values()].every((coefficients) => coefficients.every((bits) => bits === 0));
}

function joined(...parts: (Uint8Array | number[])[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts.map((part) => Buffer.from(part))));
}
