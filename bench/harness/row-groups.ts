/** Rows that have the same columns, in the order in which the first of each group comes: a table of its own for each. */
export function rowGroups<Row extends Readonly<Record<string, unknown>>>(
  rows: readonly Row[],
): { columns: string[]; rows: Row[] }[] {
  const groups = new Map<string, { columns: string[]; rows: Row[] }>();
  for (const row of rows) {
    const columns = Object.keys(row);
    const name = columns.join('\n');
    const group = groups.get(name) ?? { columns, rows: [] };
    group.rows.push(row);
    groups.set(name, group);
  }
  return [...groups.values()];
}
