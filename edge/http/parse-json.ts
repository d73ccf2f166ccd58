import { Problem } from '../../contract/problem.ts';

/** Limits on the depth and number of values in a body, far above what any request needs. */
const depthMax = 16;
const valuesMax = 10_000;

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const opening: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const closing: ReadonlySet<number> = new Set([0x5d, 0x7d]);

/**
 * Parses a JSON body. Its values are counted first, because a few megabytes of brackets would become more objects than
 * an isolate's memory holds. Throws the Problem `invalid_request`.
 */
export function parseJson(bytes: Uint8Array): unknown {
  // defence: API4-4
  refuseOddShape(bytes);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new Problem('invalid_request', 'The body is not valid JSON.', { cause });
  }
}

function refuseOddShape(bytes: Uint8Array): void {
  let depth = 0;
  let values = 1;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === quote) at = endOfString(bytes, at);
    else if (opening.has(byte)) {
      depth += 1;
      values += 1;
    } else if (closing.has(byte)) depth -= 1;
    else if (byte === comma) values += 1;
    if (depth > depthMax) throw odd(`is nested more than ${depthMax} deep`);
    if (values > valuesMax) throw odd(`has more than ${valuesMax} values`);
  }
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

function odd(why: string): Problem {
  return new Problem('invalid_request', `The JSON ${why}.`);
}
