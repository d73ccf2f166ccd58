import type { Interval, Spread } from './spread.ts';

/** How a value of a bench's row is written: figures short, with the spread or the interval that was measured. */
export function cell(value: unknown): string {
  if (value === undefined) return '';
  if (value === null || Number.isNaN(value)) return 'not measured';
  if (typeof value === 'number') return short(value);
  if (isInterval(value)) return `${short(value.median)} [${short(value.low)}, ${short(value.high)}]`;
  if (!isSpread(value)) return String(value);
  return value.least === value.most ? short(value.median) : `${short(value.median)} (${range(value)})`;
}

function range({ least, most }: Spread): string {
  return `${short(least)}–${short(most)}`;
}

function isInterval(value: unknown): value is Interval {
  return typeof value === 'object' && value !== null && 'low' in value;
}

function isSpread(value: unknown): value is Spread {
  return typeof value === 'object' && value !== null && 'least' in value;
}

/** A count whole, anything else with four digits. */
function short(value: number): string {
  return String(Number.isInteger(value) ? value : Number(value.toPrecision(4)));
}
