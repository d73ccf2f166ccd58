import { afterEach, expect, test, vi } from 'vitest';
import { retryAfterMs } from '../../contract/retry-after.ts';

afterEach(() => {
  vi.useRealTimers();
});

test.each([
  ['120', 120_000],
  ['0', 0],
  ['Tue, 24 Nov 2026 01:00:30 GMT', 30_000],
  ['Tue, 24 Nov 2026 00:59:00 GMT', 0],
  ['Tuesday, 24-Nov-26 01:00:30 GMT', 30_000],
  ['soon', null],
  ['1.5', null],
  ['-5', null],
  ['in 5', null],
  ['', null],
  [null, null],
])('Retry-After: %s', (header, ms) => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-11-24T01:00:00Z') });
  expect(retryAfterMs(header)).toBe(ms);
});
