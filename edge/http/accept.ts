import { parseAccept } from 'hono/utils/accept';
import { Problem } from '../../contract/problem.ts';

/** How the header accepts a media type: its q-value, and how specific the matching range is (3 exact, 1 any). */
type Acceptance = { quality: number; specificity: 0 | 1 | 2 | 3 };

/**
 * Chooses between the JSON mesh object and the bytes, whose media type is `mediaType` (RFC 9110 §12.5.1). The bytes go
 * only to a client that names their type, exactly or as a family such as `model/*`, and that does not prefer JSON. No
 * header, or a bare wildcard, means JSON. Throws the Problem `not_acceptable` when neither is accepted.
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

/** The most specific range decides (§12.5.1). Parameters of a range are ignored, because our types have none. */
function acceptance(ranges: readonly { type: string; q: number }[], mediaType: string): Acceptance {
  const family = `${mediaType.split('/')[0]}/*`;
  const levels = [mediaType, family, '*/*'];
  for (const [level, name] of levels.entries()) {
    const range = ranges.find((candidate) => candidate.type.toLowerCase() === name);
    if (range) return { quality: range.q, specificity: (3 - level) as 1 | 2 | 3 };
  }
  return { quality: 0, specificity: 0 };
}
