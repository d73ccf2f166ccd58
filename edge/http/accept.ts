import { parseAccept } from 'hono/utils/accept';
import { Problem } from '../../contract/problem.ts';

/** How strongly the header takes a media type: its q-value, and how closely the range names it (3 exact, 1 any). */
type Acceptance = { quality: number; specificity: 0 | 1 | 2 | 3 };

/**
 * Chooses between the JSON mesh object and the bytes themselves, whose media type is `mediaType` (RFC 9110 §12.5.1).
 * The bytes are given only to a client that names them, exactly or as a family such as `model/*`, and likes JSON no
 * better, or that refuses JSON; an absent header or a bare wildcard means JSON. Throws the Problem `not_acceptable`
 * when neither will do.
 */
export function negotiate(header: string | null | undefined, mediaType: string): 'json' | 'bytes' {
  const ranges = parseAccept(header ?? '');
  if (ranges.length === 0) return 'json';
  const json = acceptance(ranges, 'application/json');
  const bytes = acceptance(ranges, mediaType);
  const named = bytes.specificity === 3 ? bytes.quality >= json.quality : bytes.quality > json.quality;
  if (bytes.quality > 0 && bytes.specificity > 1 && named) return 'bytes';
  if (json.quality > 0) return 'json';
  if (bytes.quality > 0) return 'bytes';
  throw new Problem(
    'not_acceptable',
    `Accept must allow application/json or ${mediaType}, the media type of this output_format.`,
  );
}

/** The most specific range decides (§12.5.1); parameters of a range do not narrow it, as our types have none. */
function acceptance(ranges: readonly { type: string; q: number }[], mediaType: string): Acceptance {
  const family = `${mediaType.split('/')[0]}/*`;
  const levels = [mediaType, family, '*/*'];
  for (const [level, name] of levels.entries()) {
    const range = ranges.find((candidate) => candidate.type.toLowerCase() === name);
    if (range) return { quality: range.q, specificity: (3 - level) as 1 | 2 | 3 };
  }
  return { quality: 0, specificity: 0 };
}
