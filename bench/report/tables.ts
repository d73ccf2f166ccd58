import { z } from 'zod';
import { cell } from '../harness/cell.ts';
import { rowGroups } from '../harness/row-groups.ts';
import { viewOf, type Row } from './views.ts';

/** The part of a recorded result that its tables are made of. */
const Recorded = z.object({
  taken: z.object({
    at: z.string(),
    commit: z.string(),
    uncommitted: z.boolean(),
    machine: z.object({ cpu: z.string(), cores: z.number() }),
    load: z.object({ before: z.number(), after: z.number() }),
  }),
  rows: z.array(z.record(z.string(), z.unknown())),
  bounds: z.array(z.object({ what: z.string(), measured: z.number().nullable(), bound: z.string(), met: z.boolean() })),
});

/** What a page can show of a result: all of it, or its bounds alone. */
const shown = { recorded: tablesOf, bounds: boundsOf };

/**
 * A page with each part of a result made anew: what stands between `<!-- recorded: name -->`, or `<!-- bounds: name -->`,
 * and `<!-- end -->`.
 */
export function withTables(page: string, resultOf: (name: string) => unknown): string {
  const marked = /<!-- (recorded|bounds): ([\w-]+) -->[\s\S]*?<!-- end -->/g;
  return page.replaceAll(marked, (_, part: keyof typeof shown, name: string) => {
    const result = resultOf(name);
    const text = result === null ? 'Not recorded yet.' : shown[part](Recorded.parse(result), name);
    return `<!-- ${part}: ${name} -->\n\n${text}\n\n<!-- end -->`;
  });
}

function tablesOf({ taken, rows, bounds }: z.infer<typeof Recorded>, name: string): string {
  const tables = rowGroups(viewOf(name, rows)).map((group) => table(group.columns, group.rows));
  return [captionOf(taken), ...tables, ...boundTable(bounds)].join('\n\n');
}

function boundsOf({ taken, bounds }: z.infer<typeof Recorded>): string {
  return [captionOf(taken), ...boundTable(bounds)].join('\n\n');
}

function captionOf(taken: z.infer<typeof Recorded>['taken']): string {
  const { at, commit, uncommitted, machine, load } = taken;
  const state = `commit ${commit.slice(0, 7)}${uncommitted ? ' with changes that were not committed' : ''}`;
  const where = `${at.slice(0, 16).replace('T', ' ')} UTC, ${state}, ${machine.cores} cores (${machine.cpu})`;
  return `Recorded ${where}, load ${load.before} before and ${load.after} after.`;
}

function table(columns: readonly string[], rows: readonly Row[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(columns.map(heading)),
    line(columns.map(() => '---')),
    ...rows.map((row) => line(columns.map((column) => cell(row[column])))),
  ].join('\n');
}

function boundTable(bounds: z.infer<typeof Recorded>['bounds']): string[] {
  if (bounds.length === 0) return [];
  const rows = bounds.map(
    ({ what, measured, bound, met }) => `| ${what} | ${cell(measured)} | ${bound}${met ? '' : ' (**missed**)'} |`,
  );
  return [['| | measured | bound |', '| --- | --- | --- |', ...rows].join('\n')];
}

/** Words with capitals of their own, and units, in the names of columns. */
const words: Readonly<Record<string, string>> = {
  Ms: 'ms',
  Seconds: 's',
  Microseconds: 'µs',
  ASecond: 'a second',
  PerSecond: 'a second',
  Cpu: 'CPU',
  Gpu: 'GPU',
  MiB: 'MiB',
};

/** The name of a column in words, as it is where it has some: `laneMsOfJob` is "lane ms of job". */
function heading(column: string): string {
  if (/[^A-Za-z\d]/.test(column)) return column;
  const parts = column.replace(/^./, (first) => first.toUpperCase()).match(/MiB|PerSecond|ASecond|P\d+|[A-Z][a-z]*/g);
  return (parts ?? [column]).map((part) => words[part] ?? part.toLowerCase()).join(' ');
}
