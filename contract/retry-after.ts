/** How each form of an HTTP date begins (RFC 9110 §5.6.7); V8 takes `1.5` and `in 5` for days of 2001, too. */
const dayName = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/;

/**
 * Milliseconds that a Retry-After header asks for, in seconds or as a date (RFC 9110 §10.2.3); null where it says
 * neither or is not there.
 */
export function retryAfterMs(header: string | string[] | null | undefined): number | null {
  if (typeof header !== 'string') return null;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  if (!dayName.test(header)) return null;
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - Date.now());
}
