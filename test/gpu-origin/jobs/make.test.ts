import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { LiveJob } from '../../../gpu-origin/jobs/live-job.ts';
import { makeJob } from '../../../gpu-origin/jobs/make.ts';
import { originSeries, totalOf } from '../../../gpu-origin/metrics/series.ts';
import { createKernelPool } from '../../../gpu-origin/pipeline/kernel-pool.ts';
import { realModel } from '../pipeline/real-model.ts';
import { disc, jobFor } from '../support/send-job.ts';

test('a mesh that cannot be encoded leaves no surface', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'make-'));
  const kernels = createKernelPool({ threads: 1 });
  try {
    const { model, infer } = await realModel('bisque');
    const image = await disc();
    const kept = new Set<string>();
    const put = Promise.withResolvers<void>();
    const geometry = {
      get: () => Promise.resolve(null),
      put: async (key: string) => put.resolve(void kept.add(key)),
      forget: async (keys: Iterable<string>) => [...keys].forEach((key) => kept.delete(key)),
    };
    const noRoom = async () => {
      await put.promise;
      throw new Error('there is no room for it');
    };
    const run: typeof kernels.run = (kernel, ...rest) =>
      kernel === 'encode' ? noRoom() : kernels.run(kernel, ...rest);
    const { result } = await makeJob(new LiveJob({ job: jobFor(image), acceptedAtMs: 0, starts: 1 }), image, {
      models: () => [{ ...model, folder, createdAtSeconds: 0 }],
      inferFor: () => infer,
      askServer: () => Promise.reject(new Error('no server is asked')),
      textToImage: null,
      runsFolder: () => join(folder, 'runs'),
      kernels: { ...kernels, run },
      geometry,
      callEdge: async () => ({ status: 200, bytes: new Uint8Array(), retryAfterMs: null }),
      sendAhead: () => null,
      series: originSeries(new Registry()),
      jobSecondsMax: 60,
      withdraw: () => undefined,
    });
    await put.promise;
    expect([result.outcome, kept.size]).toEqual(['failed', 0]);
  } finally {
    await kernels.close();
    await rm(folder, { recursive: true });
  }
});

test('a model that gives no numbers fails its job at once and is counted', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'make-'));
  const kernels = createKernelPool({ threads: 1 });
  const series = originSeries(new Registry());
  try {
    const { model } = await realModel('bisque');
    const image = await disc();
    const sheet = { data: new Float32Array(64 * 64).fill(NaN), dims: [1, 1, 64, 64] };
    const { result } = await makeJob(new LiveJob({ job: jobFor(image), acceptedAtMs: 0, starts: 1 }), image, {
      models: () => [{ ...model, folder, createdAtSeconds: 0 }],
      inferFor: () => () =>
        Promise.resolve({ outputs: { front: sheet, back: sheet }, gpuMs: 1, provider: 'cpu', degraded: false }),
      askServer: () => Promise.reject(new Error('no server is asked')),
      textToImage: null,
      runsFolder: () => join(folder, 'runs'),
      kernels,
      geometry: { get: () => Promise.resolve(null), put: () => Promise.resolve(), forget: () => Promise.resolve() },
      callEdge: async () => ({ status: 200, bytes: new Uint8Array(), retryAfterMs: null }),
      sendAhead: () => null,
      series,
      jobSecondsMax: 60,
      withdraw: () => undefined,
    });
    expect(result).toMatchObject({ outcome: 'failed', failure: { code: 'model_failed' } });
    expect(await totalOf(series.modelFaults, { model: model.id })).toBe(1);
  } finally {
    await kernels.close();
    await rm(folder, { recursive: true });
  }
});
