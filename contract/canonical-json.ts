/** A value that JSON can carry exactly; an undefined member is one that is not there. */
type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json | undefined };

/**
 * Serialises a value in the JSON Canonicalization Scheme (RFC 8785), so that equal values give equal bytes.
 * Throws a TypeError on what JCS forbids: numbers that are not finite, strings with lone surrogates.
 */
export function canonicalJson(value: Json): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`canonical JSON has no ${value}`);
    return JSON.stringify(value); // RFC 8785 §3.2.2.3 takes ECMAScript's own number format
  }
  if (value === null || typeof value === 'boolean') return String(value);
  if (isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  // RFC 8785 §3.2.3 orders names by UTF-16 code units, which is what sort() compares.
  const members = Object.keys(value)
    .toSorted()
    .flatMap((name) => (value[name] === undefined ? [] : [`${quoted(name)}:${canonicalJson(value[name])}`]));
  return `{${members.join(',')}}`;
}

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function quoted(text: string): string {
  if (!text.isWellFormed()) throw new TypeError('canonical JSON cannot hold a lone surrogate');
  return JSON.stringify(text);
}
