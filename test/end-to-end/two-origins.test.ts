import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { sha256 } from '../../contract/digest.ts';
import type { MeshObject } from '../../contract/mesh.ts';
import type { OriginProcess } from '../gpu-origin/support/origin-process.ts';
import { disc } from '../gpu-origin/support/send-job.ts';
import { startEdgeWithOrigins, type EdgeWithOrigins } from './edge-with-origins.ts';
import { childrenOf } from './meshkiln.ts';

const patience = { timeout: 60_000, interval: 100 };
const misses = 6;

/** How long the edge may trust what it read of its origins, in milliseconds. */
const livenessMs = 2_000;

let edge: EdgeWithOrigins;
let hue = 0;

beforeAll(async () => {
  edge = await startEdgeWithOrigins();
});
afterAll(() => edge.close());

/** Asks for meshes of pictures that were never sent before, all at once. */
function ask(count: number): Promise<MeshObject[]> {
  const pictures = Array.from({ length: count }, () => disc((hue += 10)));
  return Promise.all(
    pictures.map(async (picture) => edge.client.create(new Uint8Array(await picture), { model: edge.model })),
  );
}

async function metric(origin: OriginProcess, series: string): Promise<number> {
  const text = await (await fetch(`${origin.url}/metrics`)).text();
  const line = text.split('\n').find((each) => each.startsWith(`meshkiln_origin_${series} `));
  return Number(line?.split(' ').at(-1) ?? 0);
}

/** Freezes an origin's GPU process, so that what runs there stays so until the returned call. */
async function freeze(origin: OriginProcess): Promise<() => void> {
  const [compute] = await childrenOf(origin.pid ?? 0, 'gpu-process');
  if (compute === undefined) throw new Error('the origin has no GPU process');
  process.kill(compute, 'SIGSTOP');
  return () => process.kill(compute, 'SIGCONT');
}

/** Sends misses to one origin, of which one runs and the others wait, then starts another. */
async function fill(environment: Record<string, string>) {
  const first = await edge.start('first', { JOBS_ACTIVE_MAX: '1', ...environment });
  const thaw = await freeze(first);
  const asked = await ask(misses);
  await vi.waitFor(async () => expect(await metric(first, 'queue_depth')).toBe(misses - 1), patience);
  const second = await edge.start('second');
  await sleep(livenessMs);
  return { first, second, asked, thaw };
}

async function expectMadeOnce(asked: readonly MeshObject[], storedBefore: number): Promise<void> {
  const made = await Promise.all(asked.map((mesh) => edge.client.wait(mesh)));
  expect(made.map(({ status }) => status)).toEqual(asked.map(() => 'completed'));
  const stored = async () => (await edge.metric('write_backs_total{outcome="stored"}')) ?? 0;
  await vi.waitFor(async () => expect((await stored()) - storedBefore).toBe(asked.length), patience);
  expect(await edge.metric('write_backs_total{outcome="repeat"}')).toBeNull();
}

/** An origin counts a job when the edge has answered to its result, which is after whoever waits has the mesh. */
async function expectCompleted(origin: OriginProcess, jobs: number): Promise<void> {
  await vi.waitFor(async () => expect(await metric(origin, 'jobs_total{outcome="completed"}')).toBe(jobs), patience);
}

async function expectNothingLeft(): Promise<void> {
  for (const folder of ['spool', 'outbox']) {
    expect(await readdir(join(edge.stateOf('first'), folder))).toEqual([]);
  }
}

test('an origin that is ended finishes what runs, and another makes what waited, each mesh once', async () => {
  const { first, second, asked, thaw } = await fill({});
  const ended = first.kill('SIGTERM');
  expect(await first.until('jobs handed back')).toMatchObject({ returned: misses - 1, kept: 0 });
  thaw();
  expect(await ended).toEqual({ code: 0, signal: null });
  await expectMadeOnce(asked, 0);
  await expectNothingLeft();
  await expectCompleted(second, misses - 1);
  expect(await metric(second, `gpu_runs_total{model="${edge.model}"}`)).toBe(misses - 1);
  await second.kill('SIGTERM');
});

test('an origin whose time is up gives away what ran, too', async () => {
  const { first, second, asked } = await fill({ DRAIN_SECONDS_MAX: '0' });
  expect(await first.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  await expectMadeOnce(asked, misses);
  await expectNothingLeft();
  await expectCompleted(second, misses);
  await second.kill('SIGTERM');
});

test('a purged picture leaves the disks of both origins, of the one that was down once it is back', async () => {
  const surfaces = (id: 'first' | 'second') => readdir(join(edge.stateOf(id), 'geometry'));
  const picture = new Uint8Array(await disc((hue += 10)));
  const make = async (output_format: 'glb' | 'stl') =>
    edge.client.wait(await edge.client.create(picture, { model: edge.model, output_format }));
  const first = await edge.start('first');
  const before = await surfaces('first');
  await make('glb');
  const [surface = ''] = (await surfaces('first')).filter((name) => !before.includes(name));
  await first.kill('SIGTERM');
  const second = await edge.start('second');
  await sleep(livenessMs);
  expect((await make('stl')).cache.reused).toBe('geometry');
  expect(await surfaces('second')).toContain(surface);

  const purged = await edge.admin('/admin/purge', { image_sha256: await sha256(picture) });
  expect(await purged.json()).toMatchObject({ complete: true, geometry: [surface] });
  await vi.waitFor(async () => expect(await surfaces('second')).not.toContain(surface), patience);
  expect(await surfaces('first')).toContain(surface);
  const back = await edge.start('first');
  await vi.waitFor(async () => expect(await surfaces('first')).toEqual(before), patience);
  for (const origin of [back, second]) await origin.kill('SIGTERM');
});
