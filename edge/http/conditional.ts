/** Result of a request's preconditions: continue, 304, or 412. */
export type Precondition = 'proceed' | 'not_modified' | 'failed';

/**
 * Evaluates the preconditions of a GET or HEAD in the order of RFC 9110 §13.2.2 against the strong entity tag, quotes
 * included, of an existing representation. Ignores If-Modified-Since and If-Unmodified-Since, as §13.1.3 and §13.1.4
 * require where no modification date is sent: a content address has none.
 */
export function evaluatePreconditions(headers: Headers, etag: string): Precondition {
  const ifMatch = headers.get('if-match');
  if (ifMatch !== null && !matches(ifMatch, etag, 'strong')) return 'failed';
  const ifNoneMatch = headers.get('if-none-match');
  if (ifNoneMatch !== null && matches(ifNoneMatch, etag, 'weak')) return 'not_modified';
  return 'proceed';
}

/**
 * Whether a Range header applies (RFC 9110 §13.1.5): without If-Range, or when If-Range holds this strong tag. Weak
 * tags never match, nor do dates, since no Last-Modified is sent.
 */
export function rangeApplies(headers: Headers, etag: string): boolean {
  const ifRange = headers.get('if-range');
  return ifRange === null || ifRange.trim() === etag;
}

type EntityTag = { weak: boolean; opaque: string };

/** Whether a list of tags contains this one; `*` matches any (§13.1.1, §13.1.2). */
function matches(list: string, etag: string, comparison: 'strong' | 'weak'): boolean {
  if (list.trim() === '*') return true;
  // Strong comparison fails on weak tags. Weak comparison ignores weakness (§8.8.3.2).
  return parseTags(list).some((tag) => tag.opaque === etag && (comparison === 'weak' || !tag.weak));
}

/** The tags of a list (§8.8.3). None if any element is malformed, so a guess never matches. */
function parseTags(list: string): readonly EntityTag[] {
  const tags: EntityTag[] = [];
  // Quoted tags may contain commas, so the list cannot be split at commas.
  const element = /[ \t]*(?:(W\/)?("[\x21\x23-\x7e\x80-\xff]*")[ \t]*)?(?:,|$)/y;
  while (element.lastIndex < list.length) {
    const match = element.exec(list);
    if (!match) return [];
    if (match[2] !== undefined) tags.push({ weak: match[1] !== undefined, opaque: match[2] });
  }
  return tags;
}
