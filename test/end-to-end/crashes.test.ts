import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { MeshObject } from '../../contract/mesh.ts';
import { childrenOf, emoji, originCounter, post, startMeshkiln, type Running } from './meshkiln.ts';

let running: Running;
const paused = new Set<number>();

beforeAll(async () => {
  running = await startMeshkiln();
});
afterAll(async () => {
  for (const pid of paused) signal(pid, 'SIGCONT');
  await running.close();
});

/** Freezes the compute process, posts a picture and returns once its job is being made there. */
async function postInto(picture: Uint8Array<ArrayBuffer>): Promise<{ id: string; compute: number }> {
  const compute = await computeProcess();
  process.kill(compute, 'SIGSTOP');
  paused.add(compute);
  const answer = await post(running, picture);
  expect(answer.status).toBe(202);
  const { id } = MeshObject.parse(await answer.json());
  await vi.waitFor(async () => expect((await running.client.get(id)).status).toBe('in_progress'), 20_000);
  return { id, compute };
}

async function computeProcess(): Promise<number> {
  return vi.waitFor(async () => {
    const origin = running.programs.origin.pid;
    const [pid] = origin === null ? [] : await childrenOf(origin, 'gpu-process');
    if (pid === undefined) throw new Error('no compute process yet');
    return pid;
  }, 30_000);
}

async function expectCompleted(id: string): Promise<void> {
  await vi.waitFor(async () => expect((await running.client.get(id)).status).toBe('completed'), {
    timeout: 90_000,
    interval: 200,
  });
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

test('a mesh completes after kill -9 of the compute process', async () => {
  const { id, compute } = await postInto(await emoji('1f9f8'));
  process.kill(compute, 'SIGKILL');
  await expectCompleted(id);
});

test('a mesh completes after kill -9 of the origin', async () => {
  const { id } = await postInto(await emoji('1f98a'));
  const origin = running.programs.origin.pid;
  if (origin === null) throw new Error('the origin is not running');
  process.kill(origin, 'SIGKILL');
  await expectCompleted(id);
});

test('a mesh completes after kill -9 of the edge, with workerd, and is made once', async () => {
  const runs = () => originCounter(running, 'meshkiln_origin_gpu_runs_total');
  const before = await runs();
  const { id, compute } = await postInto(await emoji('1f680'));
  const edge = running.programs.edge.pid;
  if (edge === null) throw new Error('the edge is not running');
  process.kill(-edge, 'SIGKILL');
  process.kill(compute, 'SIGCONT');
  await vi.waitFor(async () => expect((await fetch(`${running.edgeUrl}/healthz`)).status).toBe(200), 30_000);
  await expectCompleted(id);
  expect(await runs()).toBe(before + 1);
});
