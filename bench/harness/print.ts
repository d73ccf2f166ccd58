import type { Findings } from './result.ts';
import type { Interval, Spread } from './spread.ts';

/** Prints a bench's rows and what became of its bounds. */
export function printFindings(name: string, { rows, bounds }: Findings): void {
  console.log(`\n${name}`);
  console.table(
    rows.map((row) => Object.fromEntries(Object.entries(row).map(([column, value]) => [column, cell(value)]))),
  );
  for (const { what, measured, bound, met } of bounds) {
    console.log(`${met ? 'met   ' : 'MISSED'} ${what}: ${short(measured)} (bound ${bound})`);
  }
}

function cell(value: unknown): unknown {
  if (typeof value === 'number') return short(value);
  if (isInterval(value)) return `${short(value.median)} [${short(value.low)}, ${short(value.high)}]`;
  return isSpread(value) ? `${short(value.median)} (${short(value.least)}–${short(value.most)})` : value;
}

function isInterval(value: unknown): value is Interval {
  return typeof value === 'object' && value !== null && 'low' in value;
}

function isSpread(value: unknown): value is Spread {
  return typeof value === 'object' && value !== null && 'median' in value;
}

function short(value: number): number {
  return Number(value.toPrecision(4));
}
