/**
 * Milliseconds that a Retry-After header asks for, in seconds or as a date (RFC 9110 §10.2.3); null where it says
 * neither or is not there.
 */
export function retryAfterMs(header: string | string[] | null | undefined): number | null {
  if (typeof header !== 'string') return null;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - Date.now());
}
