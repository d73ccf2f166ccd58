import type { CodedColour } from './coded-colour.ts';
import type { Problem } from './problem.ts';
import type { ImageFacts } from './image-facts.ts';
import { unreadableKind } from './unreadable-kind.ts';

/** Brands of HEIF files by the codec inside (ISO/IEC 23008-12 annex B, and what cameras write). */
const heicBrands = ['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx', 'hevm', 'hevs'];
const heifBrands = [
  'mif1',
  'mif2',
  'mif3',
  'msf1',
  'miaf',
  'jpeg',
  'jpgs',
  'avci',
  'avcs',
  'j2ki',
  'j2is',
  'vvic',
  'vvis',
  'evbi',
  'evbs',
];

export function isAvif(bytes: Uint8Array): boolean {
  return brandsOf(bytes).some((brand) => brand === 'avif' || brand === 'avis');
}

/** The Problem that names a file of the same container that is no AVIF: HEIC, another HEIF, a film; null for others. */
export function foreignMedia(bytes: Uint8Array): Problem | null {
  const brands = brandsOf(bytes);
  const [major] = brands;
  if (major === undefined) return null;
  if (brands.some((brand) => heicBrands.includes(brand))) {
    const wayOut = 'Convert it to JPEG; an iPhone sends JPEG with Settings > Camera > Formats > Most Compatible.';
    return unreadableKind('a HEIC file', wayOut);
  }
  if (brands.some((brand) => heifBrands.includes(brand))) return unreadableKind('a HEIF file');
  const name = /^[\w ]{4}$/.test(major) ? ` (${major.trim()})` : '';
  return unreadableKind(`a film or another media file${name}`, 'Send one picture of it as PNG or JPEG.');
}

/**
 * The largest image that meta/iprp/ipco describes in an `ispe` box (ISO/IEC 23008-12 §6.5.3), as a grid's is the whole,
 * and the colours of the primary one. Throws for a sequence that holds no still picture.
 */
export function avifFacts(view: DataView): ImageFacts | null {
  const file = { start: 0, end: view.byteLength };
  const meta = child(view, file, 'meta');
  if (meta === null) {
    if (child(view, file, 'moov') === null) return null;
    throw unreadableKind('an AVIF image sequence with no still picture', 'Send its first frame as PNG, JPEG or AVIF.');
  }
  const items = { start: meta.start + 4, end: meta.end };
  const properties = child(view, items, 'iprp');
  const container = properties && child(view, properties, 'ipco');
  if (properties === null || container === null) return null;
  let largest: ImageFacts | null = null;
  for (const box of boxes(view, container)) {
    if (box.type !== 'ispe' || box.end - box.start < 12) continue;
    const size = { width: view.getUint32(box.start + 4), height: view.getUint32(box.start + 8) };
    if (largest === null || size.width * size.height > largest.width * largest.height) largest = size;
  }
  return largest && { ...largest, colour: primaryColour(view, { items, properties, container }) };
}

type Extent = { start: number; end: number };
type Box = Extent & { type: string };

/** The `nclx` colours that are associated with the primary item (§8.11.4 of ISO/IEC 14496-12, §9.3 of 23008-12). */
function primaryColour(
  view: DataView,
  at: { items: Extent; properties: Extent; container: Extent },
): CodedColour | null {
  const primary = child(view, at.items, 'pitm');
  const associations = child(view, at.properties, 'ipma');
  if (primary === null || associations === null || primary.end - primary.start < 6) return null;
  const wideId = primary.end - primary.start >= 8;
  const id = wideId ? view.getUint32(primary.start + 4) : view.getUint16(primary.start + 4);
  const inOrder = [...boxes(view, at.container)];
  const colours = propertiesOf(view, associations, id)
    .flatMap((index) => inOrder[index - 1] ?? [])
    .filter((box) => box.type === 'colr' && box.end - box.start >= 8)
    .map((box) => ({ kind: text(view, box.start, 4), at: box.start + 4 }));
  const coded = colours.find(({ kind }) => kind === 'nclx');
  // A profile says more, and comes first.
  if (coded === undefined || colours.some(({ kind }) => kind !== 'nclx')) return null;
  return { primaries: view.getUint16(coded.at), transfer: view.getUint16(coded.at + 2) };
}

/** Numbers, from 1, of an item's properties in an `ipma` box. */
function propertiesOf(view: DataView, { start, end }: Extent, wanted: number): number[] {
  if (end - start < 8) return [];
  const wideIds = view.getUint8(start) > 0;
  const wideIndices = (view.getUint8(start + 3) & 1) === 1;
  let at = start + 8;
  while (at + (wideIds ? 5 : 3) <= end) {
    const id = wideIds ? view.getUint32(at) : view.getUint16(at);
    at += wideIds ? 4 : 2;
    const count = view.getUint8(at++);
    const bytes = wideIndices ? 2 : 1;
    if (at + count * bytes > end) return [];
    if (id === wanted) {
      return Array.from({ length: count }, (_, i) =>
        wideIndices ? view.getUint16(at + 2 * i) & 0x7fff : view.getUint8(at + i) & 0x7f,
      );
    }
    at += count * bytes;
  }
  return [];
}

/** The major and the compatible brands of an ISO media file (ISO/IEC 14496-12 §4.3); none for any other file. */
function brandsOf(bytes: Uint8Array): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || text(view, 4, 4) !== 'ftyp') return [];
  const end = Math.min(view.getUint32(0), bytes.length);
  const brands = [text(view, 8, 4)];
  for (let at = 16; at + 4 <= end; at += 4) brands.push(text(view, at, 4));
  return brands;
}

function child(view: DataView, parent: Extent, type: string): Extent | null {
  for (const box of boxes(view, parent)) if (box.type === type) return box;
  return null;
}

/** The boxes inside an extent, without their 8-byte headers; stops where one does not fit. */
function* boxes(view: DataView, extent: Extent): Generator<Box> {
  let at = extent.start;
  while (at + 8 <= extent.end) {
    const bytes = view.getUint32(at) || extent.end - at; // size 0 reaches to the end
    if (bytes < 8 || at + bytes > extent.end) return;
    yield { type: text(view, at + 4, 4), start: at + 8, end: at + bytes };
    at += bytes;
  }
}

function text(view: DataView, at: number, length: number): string {
  return String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + at, length));
}
