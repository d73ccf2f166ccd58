import { Problem } from '../../contract/problem.ts';

/** Limits on the depth and number of values in a body, far above what any request needs. */
const depthMax = 16;
const valuesMax = 10_000;

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const opening: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const closing: ReadonlySet<number> = new Set([0x5d, 0x7d]);

export type JsonOptions = {
  /** Bytes that the text may have beside its longest string, which is the picture. No limit of its own by default. */
  fieldBytesMax?: number;
  /** The form field that the text came in; null for a whole body. */
  field?: string | null;
};

/**
 * Parses JSON that a client sent: a body, or a field of a form. Its values are counted first, because a few megabytes of
 * brackets would become more objects than an isolate's memory holds. Throws the Problems `body_too_large`, and
 * `invalid_request` for a body or `invalid_parameter` for a field.
 */
export function parseJson(bytes: Uint8Array, { fieldBytesMax = Infinity, field = null }: JsonOptions = {}): unknown {
  // defence: API4-4
  refuseOddShape(bytes, { fieldBytesMax, field });
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes));
  } catch (cause) {
    if (field === null) throw new Problem('invalid_request', 'The body is not valid JSON.', { cause });
    throw new Problem('invalid_parameter', `The form field "${field}" must be JSON.`, { param: field, cause });
  }
}

function refuseOddShape(bytes: Uint8Array, { fieldBytesMax, field }: Required<JsonOptions>): void {
  let depth = 0;
  let values = 1;
  let longestString = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === quote) {
      const end = endOfString(bytes, at);
      longestString = Math.max(longestString, end - at);
      at = end;
    } else if (opening.has(byte)) {
      depth += 1;
      values += 1;
    } else if (closing.has(byte)) depth -= 1;
    else if (byte === comma) values += 1;
    if (depth > depthMax) throw odd(field, `is nested more than ${depthMax} deep`);
    if (values > valuesMax) throw odd(field, `has more than ${valuesMax} values`);
  }
  if (bytes.length - longestString > fieldBytesMax) throw fieldsTooLarge(fieldBytesMax);
}

/** Index of the quote that ends a string. A picture in a data URL is one string and is skipped at once. */
function endOfString(bytes: Uint8Array, start: number): number {
  let end = bytes.indexOf(quote, start + 1);
  while (end !== -1 && isEscaped(bytes, end)) end = bytes.indexOf(quote, end + 1);
  return end === -1 ? bytes.length : end;
}

/** A character after an odd number of backslashes is escaped (RFC 8259 §7). */
function isEscaped(bytes: Uint8Array, at: number): boolean {
  let backslashes = 0;
  while (bytes[at - 1 - backslashes] === backslash) backslashes += 1;
  return backslashes % 2 === 1;
}

/** What a request gets whose fields, the picture apart, have too many bytes. */
export function fieldsTooLarge(fieldBytesMax: number): Problem {
  return new Problem('body_too_large', `All fields but the picture may have ${fieldBytesMax} bytes together.`);
}

function odd(field: string | null, why: string): Problem {
  if (field === null) return new Problem('invalid_request', `The JSON ${why}.`);
  return new Problem('invalid_parameter', `The JSON of the form field "${field}" ${why}.`, { param: field });
}
