import { expect, test, vi } from 'vitest';
import { Reporter } from '../../../gpu-origin/report/reporter.ts';
import { createEdgeClient } from '../../../gpu-origin/write-back/edge-client.ts';
import { reportOf } from '../../origin-report.ts';
import { startEdgePeer } from '../support/edge-peer.ts';
import { heavyInflation, writeModel } from '../support/models.ts';
import { known } from '../support/origin-process.ts';
import { createSetting } from '../support/setting.ts';

const idle = reportOf('http://127.0.0.1:8788');

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

test('what changes while a report is on its way is told before the end', async () => {
  const edge = await startEdgePeer(known);
  const { call: callEdge, close } = createEdgeClient(edge.url, known);
  try {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    edge.hold = () => released;
    let report = idle;
    const reporter = new Reporter({ callEdge, read: async () => report, onTaken: () => {}, onReached: () => {} });
    reporter.now();
    await vi.waitFor(() => expect(edge.calls).toHaveLength(1));
    report = { ...idle, state: 'draining' };
    reporter.now();
    const stopped = reporter.stop();
    release();
    await stopped;
    expect(edge.reports.map(({ state }) => state)).toEqual(['ready', 'draining']);
  } finally {
    await close();
    await edge.close();
  }
});
