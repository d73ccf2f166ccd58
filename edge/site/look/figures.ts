const whole = new Intl.NumberFormat('en');
const oneDigit = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1 });
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** A count in full: `27,238`. */
export function count(value: number): string {
  return whole.format(value);
}

/** A count with the noun that goes with it: `1 miss`, `27 misses`. */
export function counted(value: number, one: string, many: string): string {
  return `${whole.format(value)} ${value === 1 ? one : many}`;
}

/** A count short enough for an axis: `27.2K`. */
export function shortCount(value: number): string {
  return compact.format(value);
}

/** A share of one as a percentage. */
export function share(value: number): string {
  return percent.format(value);
}

/** Bytes in decimal units: `685 kB`. */
export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const step = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(value) / 3));
  return `${oneDigit.format(value / 1000 ** step)} ${units[step]}`;
}

/** A duration of so many milliseconds in the unit that suits it: `3.4 ms`, `1.6 s`, `2.5 h`. */
export function duration(milliseconds: number): string {
  if (milliseconds < 10) return `${oneDigit.format(milliseconds)} ms`;
  if (milliseconds < 1000) return `${whole.format(Math.round(milliseconds))} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 120) return `${oneDigit.format(seconds)} s`;
  return seconds < 7200 ? `${oneDigit.format(seconds / 60)} min` : `${oneDigit.format(seconds / 3600)} h`;
}

/** How long ago a moment was, in words; both are seconds since the epoch. */
export function ago(thenSeconds: number, nowSeconds: number): string {
  const seconds = Math.max(0, nowSeconds - thenSeconds);
  if (seconds < 60) return 'just now';
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)} h ago` : `${Math.floor(seconds / 86_400)} d ago`;
}
