import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Quarantine } from '../../../gpu-origin/compute/quarantine.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('a model that ends the process three times in a row is left out for a minute', () => {
  const quarantine = new Quarantine();
  quarantine.crashed('a');
  quarantine.crashed('a');
  expect(quarantine.holds('a')).toBe(false);
  quarantine.crashed('a');
  expect([quarantine.holds('a'), quarantine.holds('b')]).toEqual([true, false]);
  expect(quarantine.nextEndMs).toBe(60_000);
  vi.advanceTimersByTime(60_000);
  expect([quarantine.holds('a'), quarantine.nextEndMs]).toEqual([false, null]);
});

test('after a quarantine one more crash is enough, and a load that succeeds forgets them all', () => {
  const quarantine = new Quarantine();
  for (let i = 0; i < 3; i += 1) quarantine.crashed('a');
  vi.advanceTimersByTime(60_000);
  quarantine.crashed('a');
  expect(quarantine.holds('a')).toBe(true);
  quarantine.loaded('a');
  quarantine.crashed('a');
  quarantine.crashed('a');
  expect(quarantine.holds('a')).toBe(false);
});
