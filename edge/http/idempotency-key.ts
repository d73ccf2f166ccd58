import { Problem } from '../../contract/problem.ts';

const header = 'Idempotency-Key';
const charactersMax = 255;

/** The idempotency key of a request, null without one. Throws the Problem `invalid_parameter` for a malformed one. */
export function readIdempotencyKey(value: string | null): string | null {
  if (value === null) return null;
  if (value.length <= charactersMax && /^[\x21-\x7e]+$/.test(value)) return value;
  const message = `${header} must have 1 to ${charactersMax} visible ASCII characters.`;
  throw new Problem('invalid_parameter', message, { param: header });
}
