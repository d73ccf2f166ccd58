import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';

const repository = join(import.meta.dirname, '../..');
export const resultsFolder = join(repository, 'bench/results');

/** A figure that was promised, and what was measured of it. */
export type Bound = { what: string; measured: number; bound: string; met: boolean };

/** What one bench found: rows of a table, and the bounds that it holds or misses. */
export type Findings = { rows: Record<string, unknown>[]; bounds: Bound[] };

/** Findings as they are kept: with the machine, its load before and after, and the commit that they were taken with. */
export type Recorded<Found extends Findings = Findings> = Found & { taken: Taken };

type Taken = ReturnType<typeof taken>;

/** Runs one bench and keeps what it found under `<folder>/<name>.json`, which is `bench/results/` but for tests. */
export async function record<Found extends Findings>(
  name: string,
  run: () => Promise<Found>,
  folder = resultsFolder,
): Promise<Recorded<Found>> {
  const before = stateNow();
  const findings = await run();
  const recorded = { taken: taken(before), ...findings };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(recorded, rounded, 2)}\n`);
  return recorded;
}

/** A measured figure that must reach a least value. */
export function atLeast(what: string, measured: number, least: number): Bound {
  return { what, measured, bound: `≥ ${least}`, met: measured >= least };
}

/** A measured figure that must not go beyond a value. */
export function atMost(what: string, measured: number, most: number): Bound {
  return { what, measured, bound: `≤ ${most}`, met: measured <= most };
}

/** A count that must be exactly this. */
export function exactly(what: string, measured: number, expected: number): Bound {
  return { what, measured, bound: `= ${expected}`, met: measured === expected };
}

type State = { commit: string; changed: boolean; load: number };

/** What is checked out now, whether anything but results and pages differs from it, and the load of the machine. */
function stateNow(): State {
  const git = (...words: string[]) => execFileSync('git', words, { cwd: repository, encoding: 'utf8' }).trim();
  return {
    commit: git('rev-parse', 'HEAD'),
    changed: git('status', '--porcelain', '--', '.', ':!bench/results', ':!docs', ':!*.md').length > 0,
    load: loadavg()[0] ?? NaN,
  };
}

function taken(before: State) {
  const after = stateNow();
  return {
    at: new Date().toISOString(),
    commit: before.commit,
    /** Whether what was measured may be something else than this commit. */
    uncommitted: before.changed || after.changed || before.commit !== after.commit,
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: availableParallelism(),
      memoryGiB: Math.round(totalmem() / 1024 ** 3),
      node: process.version,
      platform: `${process.platform} ${process.arch}`,
    },
    /** Processes that wanted to run over the last minute; more than the cores means that others took their share. */
    load: { before: before.load, after: after.load },
  };
}

function rounded(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
}
