import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { MeshObject } from '../../contract/mesh.ts';
import { childrenOf, emoji, emojiFolder, originCounter, post, startMeshkiln, type Running } from './meshkiln.ts';

const requests = 500;
const distinct = 30;
const minutes = 60_000;

let running: Running;

beforeAll(async () => {
  running = await startMeshkiln();
});
afterAll(() => running.close());

const accepted = () => originCounter(running, 'meshkiln_origin_jobs_total', 'outcome="accepted"');
const gpuRuns = () => originCounter(running, 'meshkiln_origin_gpu_runs_total');

/** Asks as a client with no retries would, and polls until the mesh is there. */
async function make(picture: Uint8Array<ArrayBuffer>): Promise<MeshObject> {
  const answer = await post(running, picture, { headers: { prefer: 'wait=60' } });
  expect([200, 202]).toContain(answer.status);
  const { id } = MeshObject.parse(await answer.json());
  return vi.waitFor(
    async () => {
      const mesh = await running.client.get(id);
      expect(mesh.status).toBe('completed');
      return mesh;
    },
    { timeout: 4 * minutes, interval: 500 },
  );
}

/** A small generator with a seed (Lehmer), so that each run asks in the same order. */
function* pseudoRandom(seed: number): Generator<number, never> {
  for (let state = seed; ;) {
    state = (state * 48_271) % 2_147_483_647;
    yield state / 2_147_483_647;
  }
}

test(`${requests} identical misses at once are one job and one GPU run`, { timeout: 5 * minutes }, async () => {
  const picture = await emoji('1f9f8');
  const meshes = await Promise.all(Array.from({ length: requests }, () => make(picture)));
  expect(new Set(meshes.map((mesh) => mesh.asset?.sha256)).size).toBe(1);
  expect([await accepted(), await gpuRuns()]).toEqual([1, 1]);
});

test(
  `${requests} requests over ${distinct} pictures give ${distinct} results although the origin is killed once`,
  { timeout: 8 * minutes },
  async () => {
    const names = (await readdir(emojiFolder)).filter((name) => /^1f9[0-9a-f]{2}\.webp$/.test(name)).slice(0, distinct);
    const pictures = await Promise.all(names.map((name) => emoji(name.replace('.webp', ''))));
    const random = pseudoRandom(7);
    const order = Array.from({ length: requests }, (_, i) =>
      i < distinct ? i : Math.floor(random.next().value * distinct),
    );
    const runsBefore = await gpuRuns();
    const answers = Promise.all(order.map((index) => make(pictures[index] as Uint8Array<ArrayBuffer>)));

    await vi.waitFor(async () => expect(await gpuRuns()).toBeGreaterThan(runsBefore + 5), 2 * minutes);
    const origin = running.programs.origin.pid;
    const [compute] = origin === null ? [] : await childrenOf(origin, 'gpu-process');
    if (origin === null || compute === undefined) throw new Error('the origin is not running');
    // With the compute process frozen, no run can end between this count and the kill; one batch may be in it.
    process.kill(compute, 'SIGSTOP');
    const runsOfFirst = (await gpuRuns()) - runsBefore;
    process.kill(-origin, 'SIGKILL');

    const meshes = await answers;
    expect(new Set(meshes.map((mesh) => mesh.id)).size).toBe(distinct);
    expect(new Set(meshes.map((mesh) => mesh.asset?.sha256)).size).toBe(distinct);
    const inFlight = 1;
    expect(runsOfFirst + (await gpuRuns())).toBeLessThanOrEqual(distinct + inFlight);
  },
);
