import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { replayFindings, type Played } from '../../bench/local/replay.ts';
import { drawnPlots } from '../../bench/report/plots.ts';
import { resultsFolder } from '../../bench/harness/result.ts';
import { pageFiles, resultOf } from '../../bench/report/results.ts';
import { withTables } from '../../bench/report/tables.ts';

const taken = {
  at: '2026-11-27T21:24:30.000Z',
  commit: '27b6230aaaaaaaaa',
  uncommitted: false,
  machine: { cpu: 'Some CPU', cores: 2 },
  load: { before: 1.5, after: 2 },
};

/** The page of one result, as it comes out. */
function pageOf(name: string, result: unknown): string {
  return withTables(`before\n<!-- recorded: ${name} -->\nold\n<!-- end -->\nafter`, () => result);
}

test('a result is shown with where it was taken, its rows by their columns, and its bounds', () => {
  const page = pageOf('hits', {
    taken,
    rows: [
      { case: 'GET', perSecond: { median: 6137.4, least: 5155, most: 8216, samples: 7 }, cpuMicroseconds: 120.61 },
      { case: 'POST', share: { median: 0.53106, low: 0.4, high: 0.6, samples: 7 }, jobs: 21013 },
      { case: 'HEAD', perSecond: { median: 5, least: 5, most: 5, samples: 1 }, cpuMicroseconds: null },
    ],
    bounds: [
      { what: 'kept', measured: 0.81871, bound: '≥ 0.8', met: true },
      { what: 'not kept', measured: 0.5, bound: '≥ 0.8', met: false },
      { what: 'never taken', measured: null, bound: '≥ 0.8', met: false },
    ],
  });
  expect(page).toBe(`before
<!-- recorded: hits -->

Recorded 2026-11-27 21:24 UTC, commit 27b6230, 2 cores (Some CPU), load 1.5 before and 2 after.

| case | a second | CPU µs |
| --- | --- | --- |
| GET | 6137 (5155–8216) | 120.6 |
| HEAD | 5 | not measured |

| case | share | jobs |
| --- | --- | --- |
| POST | 0.5311 [0.4, 0.6] | 21013 |

| | measured | bound |
| --- | --- | --- |
| kept | 0.8187 | ≥ 0.8 |
| not kept | 0.5 | ≥ 0.8 (**missed**) |
| never taken | not measured | ≥ 0.8 (**missed**) |

<!-- end -->
after`);
});

test('what was measured with changes that were not committed, and what was not recorded, says so', () => {
  const page = pageOf('surface', { taken: { ...taken, uncommitted: true }, rows: [], bounds: [] });
  expect(page).toContain('commit 27b6230 with changes that were not committed, 2 cores');
  expect(pageOf('surface', null)).toContain('Not recorded yet.');
});

test('a page may show the bounds of a result alone', () => {
  const bounds = [{ what: 'kept', measured: 0.81871, bound: '≥ 0.8', met: true }];
  const result = { taken, rows: [{ case: 'GET', perSecond: 5 }], bounds };
  const page = withTables('<!-- bounds: hits -->\n<!-- end -->', () => result);
  expect(page).toContain('| kept | 0.8187 | ≥ 0.8 |');
  expect(page).not.toContain('| GET |');
});

test('the pages and plots show what was recorded', () => {
  for (const file of pageFiles) {
    const page = readFileSync(file, 'utf8');
    expect(withTables(page, resultOf)).toBe(page);
  }
  for (const [name, plot] of drawnPlots()) expect(readFileSync(join(resultsFolder, `${name}.svg`), 'utf8')).toBe(plot);
});

test('policies of eviction stand beside each other at each budget', () => {
  const costs = ['assumed', 'equal'] as const;
  const policies = ['least-recently-used', 'greedy-dual-size-frequency'] as const;
  const bounded = costs.flatMap((cost, i) =>
    policies.map((policy, j) => ({
      costs: cost,
      budgetShare: 0.02,
      policy,
      hitShare: 0.1 + i + j,
      gpuTimeSavedShare: 0.2 + i + j,
    })),
  );
  const all = costs.map((cost) => ({
    costs: cost,
    budgetShare: 1,
    policy: 'nothing evicted',
    hitShare: 0.9,
    gpuTimeSavedShare: 0.8,
  }));
  const page = pageOf('eviction', { taken, rows: [...bounded, ...all], bounds: [] });
  expect(page).toContain('| 2% | 0.2 | 1.2 | 1.1 | 2.1 |\n| nothing evicted | 0.8 | 0.8 | 0.9 | 0.9 |');
});

test('each variant of the replay is held against the first in the same round', () => {
  const { rows } = replayFindings(rounds());
  expect(rows[1]).toMatchObject({
    variant: 'cache only',
    wallSeconds: { median: 10, least: 5, most: 20, samples: 3 },
    timesAsFast: { median: 2, least: 2, most: 4, samples: 3 },
  });
});

test('one round in which the replay made a job too many misses its bound', () => {
  const missed = (played: ReturnType<typeof rounds>) =>
    replayFindings(played).bounds.flatMap(({ what, measured, met }) => (met ? [] : [[what, measured]]));
  expect(missed(rounds())).toEqual([]);
  const played = rounds();
  const second = played.get('both')?.[1];
  if (second) Object.assign(second, { jobs: 31, joined: 41 });
  expect(missed(played)).toEqual([
    ['jobs, both, in each round', 31],
    ['hits and joined, both, in each round', 43],
  ]);
  expect(missed(new Map([['no cache, one at a time', []]]))).toHaveLength(4);
});

function rounds(): Map<string, Played[]> {
  const round = (wallSeconds: number, counts: Partial<Played>): Played => ({
    wallSeconds,
    gpuMs: 100,
    laneCpuMs: 90,
    jobs: 72,
    hits: 0,
    joined: 0,
    ...counts,
  });
  return new Map([
    ['no cache, one at a time', [20, 20, 40].map((seconds) => round(seconds, {}))],
    ['cache only', [10, 5, 20].map((seconds) => round(seconds, { jobs: 30, hits: 42 }))],
    ['scheduler only', [10, 10, 10].map((seconds) => round(seconds, {}))],
    ['both', [4, 4, 4].map((seconds) => round(seconds, { jobs: 30, hits: 2, joined: 40 }))],
  ]);
}
