/** A UTC day in milliseconds. */
export const dayMs = 24 * 3600 * 1000;

/** The UTC day of a time in milliseconds, as `2026-11-23`. */
export function dayOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}
