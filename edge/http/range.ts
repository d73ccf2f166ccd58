/** A part of a representation, both ends included as in Content-Range. */
export type ByteRange = { start: number; end: number };

/** What a Range header asks for: the whole, one part, or a part that does not exist. */
export type RangeRequest = { kind: 'whole' } | { kind: 'part'; range: ByteRange } | { kind: 'unsatisfiable' };

const whole: RangeRequest = { kind: 'whole' };

/**
 * Reads a Range header against a representation of `sizeBytes` (RFC 9110 §14.1.2, §14.2). Gives the whole when the
 * header is absent, malformed, in another unit, or asks for several ranges, as §14.2 allows.
 */
export function parseRange(header: string | null, sizeBytes: number): RangeRequest {
  // Range unit names are case-insensitive (§14.1).
  const set = header === null ? undefined : /^bytes=(.*)$/i.exec(header.trim())?.[1];
  if (set === undefined) return whole;
  // A list may hold empty elements, which are ignored (§5.6.1.2).
  const specs = set.split(',').flatMap((text) => (text.trim() === '' ? [] : [text.trim()]));
  const [first, ...others] = specs.map(parseSpec);
  // One invalid element makes the whole set invalid (§14.1.1); several ranges may be answered with the whole (§14.2).
  if (!first || others.length > 0) return whole;
  return 'suffix' in first ? suffixRange(first.suffix, sizeBytes) : intRange(first, sizeBytes);
}

/** Content-Range of a part (RFC 9110 §14.4), or of a refusal when `range` is null. */
export function contentRange(range: ByteRange | null, sizeBytes: number): string {
  return range === null ? `bytes */${sizeBytes}` : `bytes ${range.start}-${range.end}/${sizeBytes}`;
}

/** Number of bytes in a range. */
export function rangeBytes(range: ByteRange): number {
  return range.end - range.start + 1;
}

type RangeSpec = { first: number; last: number } | { suffix: number };

function parseSpec(text: string): RangeSpec | null {
  const match = /^(\d*)-(\d*)$/.exec(text);
  if (!match) return null;
  const [, first = '', last = ''] = match;
  if (first === '') return last === '' ? null : { suffix: Number(last) };
  const spec = { first: Number(first), last: last === '' ? Infinity : Number(last) };
  // A last position before the first is invalid, not unsatisfiable (§14.1.1).
  return spec.last < spec.first ? null : spec;
}

function intRange({ first, last }: { first: number; last: number }, sizeBytes: number): RangeRequest {
  if (first >= sizeBytes) return { kind: 'unsatisfiable' };
  return { kind: 'part', range: { start: first, end: Math.min(last, sizeBytes - 1) } };
}

function suffixRange(suffixBytes: number, sizeBytes: number): RangeRequest {
  if (suffixBytes === 0 || sizeBytes === 0) return { kind: 'unsatisfiable' };
  return { kind: 'part', range: { start: Math.max(0, sizeBytes - suffixBytes), end: sizeBytes - 1 } };
}
