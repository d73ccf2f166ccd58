import { expect, test } from 'vitest';
import { replay, type EvictionTrace } from '../../bench/eviction-replay.ts';
import recorded from '../../bench/results/eviction-trace.json' with { type: 'json' };
import { planEviction } from '../../edge/removal/eviction.ts';
import { worth, type EvictionEntry } from '../../edge/search/worth.ts';

const trace: EvictionTrace = recorded;

function entry(key: string, value: number, bytes = 10): EvictionEntry {
  return { key, bytes, gpuMs: 1, uses: 1, worth: value };
}

test('nothing is evicted while the budget holds', () => {
  const plan = planEviction([entry('a', 1), entry('b', 2)], { bytesMax: 20, clock: 5 });
  expect(plan).toEqual({ evict: [], keptBytes: 20, clock: 5 });
});

test('the least worthy go until the rest fits, and the clock is what the last of them was worth', () => {
  const entries = [entry('c', 3), entry('a', 1), entry('d', 4), entry('b', 2)];
  const plan = planEviction(entries, { bytesMax: 25, clock: 0 });
  expect(plan).toEqual({ evict: ['a', 'b'], keptBytes: 20, clock: 2 });
});

test('a budget of nothing evicts everything', () => {
  const plan = planEviction([entry('a', 1), entry('b', 2)], { bytesMax: 0, clock: 0 });
  expect(plan).toEqual({ evict: ['a', 'b'], keptBytes: 0, clock: 2 });
});

test('worth is GPU time per byte, times the uses', () => {
  const mesh = { bytes: 1000, gpuMs: 500, uses: 1 };
  expect(worth(0, mesh)).toBe(0.5);
  expect(worth(0, { ...mesh, gpuMs: 1000 })).toBe(1);
  expect(worth(0, { ...mesh, bytes: 2000 })).toBe(0.25);
  expect(worth(0, { ...mesh, uses: 4 })).toBe(2);
});

test('what was popular long ago goes before what is used now', () => {
  const mesh = { bytes: 1000, gpuMs: 500 };
  const old = { ...entry('old', worth(0, { ...mesh, uses: 100 })), ...mesh, uses: 100 };
  const now = { ...entry('now', worth(60, { ...mesh, uses: 1 })), ...mesh, uses: 1 };
  expect(planEviction([old, now], { bytesMax: 1000, clock: 60 }).evict).toEqual(['old']);
});

test.each([0.02, 0.1, 0.4])('at %f of all bytes it saves more GPU time than least recently used', (share) => {
  const bytesMax = share * trace.meshes.reduce((sum, mesh) => sum + mesh.bytes, 0);
  const ours = replay(trace, { policy: 'greedy-dual-size-frequency', bytesMax });
  const theirs = replay(trace, { policy: 'least-recently-used', bytesMax });
  expect(ours.gpuMsSaved).toBeGreaterThan(theirs.gpuMsSaved * 1.2);
  expect(ours.gpuMsSaved + ours.gpuMsSpent).toBe(theirs.gpuMsSaved + theirs.gpuMsSpent);
});
