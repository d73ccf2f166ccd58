import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Nonces } from '../../../gpu-origin/server/nonces.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const nowSeconds = () => Math.floor(Date.now() / 1000);

test('a nonce is refused for as long as its signature could be valid', () => {
  const nonces = new Nonces();
  const ahead = nowSeconds() + 300; // the edge's clock may be five minutes ahead
  nonces.spend('a', ahead);
  vi.advanceTimersByTime(599_000);
  expect(() => nonces.spend('a', ahead)).toThrow('seen before');
});

test('there is a limit to what is remembered, and old nonces make room', () => {
  const nonces = new Nonces();
  for (let i = 0; i < 500_000; i += 1) nonces.spend(String(i), nowSeconds());
  expect(() => nonces.spend('one more', nowSeconds())).toThrow('Too many signed calls');
  vi.advanceTimersByTime(302_000);
  nonces.spend('one more', nowSeconds());
});
