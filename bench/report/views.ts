/** A row of a recorded result. */
export type Row = Readonly<Record<string, unknown>>;

/** Rows of a result as its page shows them, where that is another arrangement than the one that is kept. */
const views: Readonly<Record<string, (rows: readonly Row[]) => Row[]>> = {
  eviction: (rows) => {
    const budgets = [...new Set(rows.filter(isBounded).map((row) => Number(row['budgetShare'])))];
    const all = rows.filter((row) => !isBounded(row));
    return [
      ...budgets.map((budget) => ({
        'store, share of all bytes': percent(budget),
        ...policies(rows.filter((row) => row['budgetShare'] === budget)),
      })),
      { 'store, share of all bytes': 'nothing evicted', ...policies(all) },
    ];
  },
};

/** What is shown of a result's rows. */
export function viewOf(name: string, rows: readonly Row[]): readonly Row[] {
  return views[name]?.(rows) ?? rows;
}

/** The rows of one budget beside each other: GPU time saved with the trace's costs, and hits where all cost the same. */
function policies(rows: readonly Row[]): Row {
  const of = (costs: string, policy: string, column: string) =>
    rows.find((row) => row['costs'] === costs && (row['policy'] === policy || !isBounded(row)))?.[column];
  return {
    'GPU time saved, least recently used': of('assumed', 'least-recently-used', 'gpuTimeSavedShare'),
    'GPU time saved, cost-aware': of('assumed', 'greedy-dual-size-frequency', 'gpuTimeSavedShare'),
    'equal costs: hits, least recently used': of('equal', 'least-recently-used', 'hitShare'),
    'equal costs: hits, cost-aware': of('equal', 'greedy-dual-size-frequency', 'hitShare'),
  };
}

function isBounded(row: Row): boolean {
  return row['policy'] !== 'nothing evicted';
}

function percent(share: number): string {
  return `${Math.round(100 * share)}%`;
}
