import { expect, test } from 'vitest';
import { heavyInflation, writeModel } from '../support/models.ts';
import { createSetting } from '../support/setting.ts';

test('reports go on, and the origin stops, while the list of removed surfaces gives no answer', async () => {
  const setting = await createSetting();
  try {
    const { edge } = setting;
    const model = await writeModel(setting.modelsFolder, { depth: heavyInflation(1) });
    edge.removedTo = 10;
    const { promise: made, resolve: release } = Promise.withResolvers<void>();
    edge.hold = async ({ path }) => {
      if (path.startsWith('/origin/removals')) await new Promise(() => {});
      if (path.startsWith('/origin/geometry/')) await made;
    };
    const asked = (what: string) => edge.calls.some(({ path }) => path.startsWith(`/origin/${what}`));
    const origin = await setting.start();
    const key = await setting.accepted(origin, { model });
    await setting.until(() => expect([asked('removals'), asked('geometry/')]).toEqual([true, true]));
    const ended = origin.kill('SIGTERM');
    await setting.until(() => expect(edge.reports.at(-1)?.state).toBe('draining'));
    release();
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(edge.result(key)).toMatchObject({ outcome: 'completed' });
  } finally {
    await setting.close();
  }
});
