import { cell } from './cell.ts';
import type { Findings } from './result.ts';
import { rowGroups } from './row-groups.ts';

/** Prints a bench's rows and what became of its bounds. */
export function printFindings(name: string, { rows, bounds }: Findings): void {
  console.log(`\n${name}`);
  for (const group of rowGroups(rows)) {
    console.table(
      group.rows.map((row) => Object.fromEntries(group.columns.map((column) => [column, cell(row[column])]))),
    );
  }
  for (const { what, measured, bound, met } of bounds) {
    console.log(`${met ? 'met   ' : 'MISSED'} ${what}: ${cell(measured)} (bound ${bound})`);
  }
}
