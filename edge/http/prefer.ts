import { preferWaitSecondsMax } from '../../contract/request.ts';

/** A longer Prefer header is ignored, which bounds the cost of splitting it. */
const preferCharactersMax = 1000;

export type Preferences = {
  /** How long the answer may be held, in seconds, at most `preferWaitSecondsMax`. Null if the client did not say. */
  waitSeconds: number | null;
};

/**
 * Reads the `wait` preference of a Prefer header (RFC 7240 §2, §4.3). A longer wait is cut to the maximum, and
 * Preference-Applied says so. Malformed and unknown preferences are ignored, as §2 requires.
 */
export function parsePrefer(header: string | null | undefined): Preferences {
  if (!header || header.length > preferCharactersMax) return { waitSeconds: null };
  // Only the first instance of a preference counts (§2), even when it is malformed.
  const wait = splitUnquoted(header, ',')
    .map(parsePreference)
    .find((preference) => preference?.name === 'wait');
  if (!wait || !/^\d+$/.test(wait.value)) return { waitSeconds: null };
  return { waitSeconds: Math.min(Number(wait.value), preferWaitSecondsMax) };
}

/** Value of Preference-Applied (RFC 7240 §3) for the wait that was granted. */
export function preferenceApplied(waitSeconds: number): string {
  return `wait=${waitSeconds}`;
}

/** A token with an optional token or quoted string as value. Parameters are dropped. */
function parsePreference(text: string): { name: string; value: string } | null {
  const [preference = ''] = splitUnquoted(text, ';');
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s"]*)))?$/.exec(preference.trim());
  if (!match) return null;
  const [, name = '', quoted, token = ''] = match;
  // Preference names are case-insensitive (§2).
  return { name: name.toLowerCase(), value: quoted ?? token };
}

function splitUnquoted(text: string, separator: ',' | ';'): string[] {
  const part = separator === ',' ? /(?:"(?:[^"\\]|\\.)*"|[^",])+/g : /(?:"(?:[^"\\]|\\.)*"|[^";])+/g;
  return text.match(part) ?? [];
}
