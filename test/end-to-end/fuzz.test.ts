import { expect, test, vi } from 'vitest';
import { fuzz } from '../fuzz/fuzz.ts';
import { startTarget } from '../fuzz/target.ts';

/** A short run of `npm run fuzz`, always the same. */
const requests = 1000;
const seed = 20_261_123;

test('1,000 fuzzed requests meet no internal error, no hang and no error that is not listed', async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  const { edge, known } = await startTarget();
  try {
    const result = await fuzz(edge, { seed, requests, known });
    expect(result.faults).toEqual([]);
    expect(result.requests).toBe(requests);
    // They got as far as each kind of answer: made, refused at every door, not there.
    for (const status of [200, 202, 400, 401, 403, 404, 405, 415]) expect(result.statuses).toHaveProperty(`${status}`);
  } finally {
    await edge.close();
  }
});
