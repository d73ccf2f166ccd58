import { cell } from './cell.ts';
import type { Findings } from './result.ts';
import { rowGroups } from './row-groups.ts';

/** Prints what a program of its own found, which ends with 1 when a bound is missed. */
export function concludeWith(name: string, findings: Findings): void {
  printFindings(name, findings);
  if (findings.bounds.some(({ met }) => !met)) process.exitCode = 1;
}

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
