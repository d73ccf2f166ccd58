import { cell } from './cell.ts';
import type { Findings } from './result.ts';

/** Prints a bench's rows and what became of its bounds. */
export function printFindings(name: string, { rows, bounds }: Findings): void {
  console.log(`\n${name}`);
  console.table(
    rows.map((row) => Object.fromEntries(Object.entries(row).map(([column, value]) => [column, cell(value)]))),
  );
  for (const { what, measured, bound, met } of bounds) {
    console.log(`${met ? 'met   ' : 'MISSED'} ${what}: ${cell(measured)} (bound ${bound})`);
  }
}
