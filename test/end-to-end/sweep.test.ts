import { expect, test } from 'vitest';
import { startEdgeAlone } from './edge-alone.ts';

test('the local edge sweeps as the deployed one does by its cron trigger', async () => {
  const edge = await startEdgeAlone();
  try {
    expect(await edge.sweep()).toBe(true);
  } finally {
    await edge.close();
  }
});
