import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MeshObject } from '../../contract/mesh.ts';
import { emoji, originCounter, post, startMeshkiln, type Running } from './meshkiln.ts';

let running: Running;
let bear: Uint8Array<ArrayBuffer>;

beforeAll(async () => {
  running = await startMeshkiln();
  bear = await emoji('1f9f8');
});
afterAll(() => running.close());

const accepted = () => originCounter(running, 'meshkiln_origin_jobs_total', 'outcome="accepted"');
const gpuRuns = () => originCounter(running, 'meshkiln_origin_gpu_runs_total');
const waiting = { headers: { prefer: 'wait=60' } };

test('the first request is made by the model, the second is a hit that no origin hears of', async () => {
  const first = await post(running, bear, waiting);
  expect(first.status).toBe(200);
  const miss = MeshObject.parse(await first.json());
  expect(miss).toMatchObject({ status: 'completed', provider: 'cpu', degraded: false, cache: { status: 'miss' } });
  const jobs = await accepted();
  const runs = await gpuRuns();
  expect(jobs).toBe(1);
  expect(runs).toBeGreaterThan(0);

  const second = await post(running, bear);
  expect(second.status).toBe(200);
  const hit = MeshObject.parse(await second.json());
  expect(hit.cache).toMatchObject({ status: 'hit', saved_gpu_ms: expect.any(Number) });
  expect(hit.cache.saved_gpu_ms).toBeGreaterThan(0);
  expect({ id: hit.id, asset: hit.asset }).toEqual({ id: miss.id, asset: miss.asset });
  expect([await accepted(), await gpuRuns()]).toEqual([jobs, runs]);
});

test('the port shows nothing of what Wrangler would show of the storage behind it', async () => {
  const answer = await fetch(`${running.edgeUrl}/cdn-cgi/local/explorer/api/r2/buckets`);
  expect([answer.status, await answer.json()]).toMatchObject([404, { error: { code: 'not_found' } }]);
});

test('50 identical requests at once are one job and 50 equal answers', async () => {
  const before = await accepted();
  const picture = await emoji('1f369');
  const answers = await Promise.all(Array.from({ length: 50 }, () => post(running, picture, waiting)));
  expect(answers.map((answer) => answer.status)).toEqual(Array(50).fill(200));
  const meshes = await Promise.all(answers.map(async (answer) => MeshObject.parse(await answer.json())));
  expect(new Set(meshes.map((mesh) => JSON.stringify([mesh.id, mesh.status, mesh.asset]))).size).toBe(1);
  expect(meshes[0]?.status).toBe('completed');
  expect(meshes.filter((mesh) => mesh.cache.status === 'miss')).toHaveLength(1);
  expect(await accepted()).toBe(before + 1);
});

async function idOf(fields: Record<string, string>, headers: Record<string, string> = {}): Promise<string> {
  return MeshObject.parse(await (await post(running, bear, { fields, headers })).json()).id;
}

test('a field that changes the bytes gives another id, one that does not gives the same', async () => {
  const plain = await idOf({});
  const changing: Record<string, string>[] = [
    { output_format: 'stl' },
    { remove_background: 'true' },
    { foreground_ratio: '0.8' },
    { texture: 'false' },
    { texture_resolution: '512' },
    { target_face_count: '5000' },
    { compression: 'meshopt' },
    { largest_dimension_mm: '60' },
  ];
  const ids = await Promise.all(changing.map((fields) => idOf(fields)));
  expect(new Set([plain, ...ids]).size).toBe(changing.length + 1);
  expect(await idOf({ metadata: '{"order":"7"}', priority: 'batch', seed: '9', mc_resolution: '64' })).toBe(plain);
  expect(await idOf({}, { prefer: 'wait=5' })).toBe(plain);
});

test('a hit is a hit with the origin stopped, after a restart of both, and with the KV content gone', async () => {
  const known = MeshObject.parse(await (await post(running, bear, waiting)).json());
  const expectHit = async () => {
    const answer = await post(running, bear);
    expect(answer.status).toBe(200);
    const mesh = MeshObject.parse(await answer.json());
    expect(mesh.cache.status).toBe('hit');
    expect(mesh.asset).toEqual(known.asset);
    expect(
      Buffer.from(await running.client.download(mesh))
        .subarray(0, 4)
        .toString(),
    ).toBe('glTF');
    return mesh;
  };

  await running.programs.origin.stop();
  await expectHit();

  await running.programs.edge.stop();
  await running.programs.edge.start();
  const afterRestart = await expectHit();
  expect(afterRestart.cache.tier).toBe('kv');

  await running.programs.edge.stop();
  const edgeState = join(running.stateFolder, 'edge');
  const folders = (await readdir(edgeState, { recursive: true })).filter((path) => path.endsWith('/kv'));
  expect(folders).not.toHaveLength(0);
  for (const folder of folders) await rm(join(edgeState, folder), { recursive: true });
  await running.programs.edge.start();
  const withoutKv = await expectHit();
  expect(withoutKv.cache.tier).toBe('r2');

  await running.programs.origin.start();
  await expectHit();
});
