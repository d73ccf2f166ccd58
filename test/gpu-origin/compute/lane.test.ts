import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Lane } from '../../../gpu-origin/compute/lane.ts';
import { doubling, heavyInflation, writeModel } from '../support/models.ts';

test('a run that comes behind the load of a model is not charged with it', async () => {
  const root = await mkdtemp(join(tmpdir(), 'models-'));
  const lane = new Lane({
    device: 0,
    providers: { order: ['cpu'], explicit: false },
    threads: 1,
    runSecondsMax: 60,
    growthBytesMax: 2 ** 40,
    onChange: () => undefined,
  });
  try {
    const small = await writeModel(root, { double: doubling }, { name: 'small' });
    const slow = await writeModel(
      root,
      { depth: heavyInflation(40) },
      { name: 'slow', warm_up: { batches: [1, 2, 3] } },
    );
    await lane.setModels([small]);
    const startMs = performance.now();
    const loaded = lane.setModels([small, slow]);
    await Promise.resolve(); // the load is on its way
    const x = { data: Float32Array.of(1, 2, 3, 4), dims: [1, 4] };
    const { outputs, ms } = await lane.run(small.id, 'double', { x });
    const waitedMs = performance.now() - startMs;
    await loaded;
    expect([...(outputs.y?.data ?? [])]).toEqual([2, 4, 6, 8]);
    expect(waitedMs).toBeGreaterThan(300);
    expect(ms).toBeLessThan(waitedMs / 4);
  } finally {
    lane.close();
    await rm(root, { recursive: true });
  }
});
