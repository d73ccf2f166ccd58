import { Problem } from '../../contract/problem.ts';

const header = 'Idempotency-Key';
const charactersMax = 255;

/**
 * The idempotency key of a request, null without one. A quoted string, as draft-ietf-httpapi-idempotency-key-header has
 * it, is the same key as the text in it, and may hold blanks. Throws the Problem `invalid_parameter` for a malformed one.
 */
export function readIdempotencyKey(value: string | null): string | null {
  if (value === null) return null;
  const quoted = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])+)"$/.exec(value)?.[1]?.replaceAll(/\\(.)/g, '$1');
  const key = quoted ?? value;
  if (key.length <= charactersMax && (quoted !== undefined || /^[\x21-\x7e]+$/.test(value))) return key;
  const limit = `1 to ${charactersMax} visible ASCII characters`;
  const message = `${header} must have ${limit}; in double quotes it may hold blanks too.`;
  throw new Problem('invalid_parameter', message, { param: header });
}
