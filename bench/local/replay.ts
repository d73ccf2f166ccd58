import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MeshObject } from '../../contract/mesh.ts';
import { originCounter, post, startMeshkiln, type Running } from '../../test/end-to-end/meshkiln.ts';
import { disc } from '../../test/gpu-origin/support/send-job.ts';
import { exactly, type Findings } from '../harness/result.ts';
import { writeFieldModel } from '../origin/field-model.ts';

const requests = 72;
const distinct = 30;
const seed = 72;

/** What is switched off or on: repeats that may be found, and requests that may be in flight together. */
type Variant = { name: string; cache: boolean; together: boolean };

const variants: readonly Variant[] = [
  { name: 'no cache, one at a time', cache: false, together: false },
  { name: 'cache only', cache: true, together: false },
  { name: 'scheduler only', cache: false, together: true },
  { name: 'both', cache: true, together: true },
];

/**
 * Plays 72 requests for 30 pictures against both programs, with and without the cache, one at a time and all at once,
 * each on a state of its own. The model is a generated one with little geometry, so that this takes a minute.
 */
export async function benchReplay(): Promise<Findings> {
  const models = await mkdtemp(join(tmpdir(), 'meshkiln-bench-'));
  process.env['MODELS_DIR'] = models;
  try {
    const model = await writeFieldModel(models, { layers: 5, batch: 8 });
    const rows: Awaited<ReturnType<typeof play>>[] = [];
    for (const variant of variants) rows.push(await play(variant, model.id));
    const of = (name: string) => rows.find((row) => row.variant === name);
    return {
      rows,
      bounds: [
        exactly('jobs, cache only', of('cache only')?.jobs ?? NaN, distinct),
        exactly('hits, cache only', of('cache only')?.hits ?? NaN, requests - distinct),
        exactly('jobs, both', of('both')?.jobs ?? NaN, distinct),
        exactly('hits and joined, both', (of('both')?.hits ?? NaN) + (of('both')?.joined ?? NaN), requests - distinct),
      ],
    };
  } finally {
    delete process.env['MODELS_DIR'];
    await rm(models, { recursive: true, force: true });
  }
}

async function play({ name, cache, together }: Variant, model: string) {
  const running = await startMeshkiln();
  try {
    const pictures = await Promise.all(Array.from({ length: distinct }, (_, i) => disc(12 * i)));
    // Another share of the canvas is another mesh, and another run of the model, that costs as much.
    const ask = (picture: number, i: number) =>
      request(running, pictures[picture] ?? Buffer.alloc(0), {
        model,
        foreground_ratio: (0.85 - (cache ? 0 : i / 1e4)).toFixed(4),
      });
    const startMs = performance.now();
    const order = replayOrder();
    const meshes: MeshObject[] = [];
    if (together) meshes.push(...(await Promise.all(order.map(ask))));
    else for (const [i, picture] of order.entries()) meshes.push(await ask(picture, i));
    const wallSeconds = (performance.now() - startMs) / 1000;
    const count = (status: string) => meshes.filter((mesh) => mesh.cache.status === status).length;
    return {
      variant: name,
      wallSeconds,
      gpuMs: 1000 * (await originCounter(running, 'meshkiln_origin_lane_busy_seconds_total')),
      jobs: await originCounter(running, 'meshkiln_origin_jobs_total', 'outcome="accepted"'),
      hits: count('hit'),
      joined: count('joined'),
    };
  } finally {
    await running.close();
  }
}

async function request(running: Running, picture: Buffer, fields: Record<string, string>): Promise<MeshObject> {
  const options = { fields: { ...fields, output_format: 'stl' }, headers: { prefer: 'wait=60' } };
  const answer = await post(running, new Uint8Array(picture), options);
  if (answer.status !== 200) throw new Error(`a request was answered ${answer.status}: ${await answer.text()}`);
  return MeshObject.parse(await answer.json());
}

/** Pictures by their numbers: each once, and 42 repeats, shuffled by a generator with a seed (Lehmer). */
function replayOrder(): number[] {
  let state = seed;
  const random = (below: number) => {
    state = (state * 48_271) % 2_147_483_647;
    return Math.floor((below * state) / 2_147_483_647);
  };
  const order = Array.from({ length: requests }, (_, i) => (i < distinct ? i : random(distinct)));
  for (let i = order.length - 1; i > 0; i--) {
    const j = random(i + 1);
    [order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0];
  }
  return order;
}
