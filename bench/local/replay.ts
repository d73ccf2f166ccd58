import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MeshObject } from '../../contract/mesh.ts';
import { childrenOf, originCounter, post, startMeshkiln, type Running } from '../../test/end-to-end/meshkiln.ts';
import { disc } from '../../test/gpu-origin/support/send-job.ts';
import { processCpuMs } from '../harness/cpu.ts';
import { exactly, type Findings } from '../harness/result.ts';
import { ratios, spread } from '../harness/spread.ts';
import { writeFieldModel } from '../origin/field-model.ts';

const requests = 72;
const distinct = 30;
const seed = 72;

/** Rounds of all variants, an odd number; each round begins with another one. */
const rounds = 3;

/** How long a mesh that was not done within the wait is asked for, and how often, in milliseconds. */
const lateMsMax = 120_000;
const latePollMs = 100;

/** What is switched off or on: repeats that may be found, and requests that may be in flight together. */
type Variant = { name: string; cache: boolean; together: boolean };

const variants: readonly Variant[] = [
  { name: 'no cache, one at a time', cache: false, together: false },
  { name: 'cache only', cache: true, together: false },
  { name: 'scheduler only', cache: false, together: true },
  { name: 'both', cache: true, together: true },
];

/** What one variant came to in one round. */
export type Played = {
  wallSeconds: number;
  gpuMs: number;
  laneCpuMs: number;
  jobs: number;
  hits: number;
  joined: number;
};

/**
 * Plays 72 requests for 30 pictures against both programs, with and without the cache, one at a time and all at once, in
 * turns. The model is a generated one with little geometry, so that a round takes half a minute.
 */
export async function benchReplay(): Promise<Findings> {
  const models = await mkdtemp(join(tmpdir(), 'meshkiln-bench-'));
  process.env['MODELS_DIR'] = models;
  try {
    const model = await writeFieldModel(models, { layers: 5, batch: 8 });
    const running = await startMeshkiln();
    try {
      const played = new Map<string, Played[]>(variants.map(({ name }) => [name, []]));
      for (let round = 0; round < rounds; round++) {
        for (let turn = 0; turn < variants.length; turn++) {
          const place = (round + turn) % variants.length;
          const variant = variants[place];
          if (variant === undefined) continue;
          const player = { running, model: model.id, keysFrom: 100 * (round * variants.length + place) };
          played.get(variant.name)?.push(await play(variant, player));
        }
      }
      return replayFindings(played);
    } finally {
      await running.close();
    }
  } finally {
    delete process.env['MODELS_DIR'];
    await rm(models, { recursive: true, force: true });
  }
}

/** The table of the variants, each beside the first in the same round, and what every round of the cache must come to. */
export function replayFindings(played: ReadonlyMap<string, readonly Played[]>): Findings {
  const of = (name: string, column: keyof Played) => (played.get(name) ?? []).map((each) => each[column]);
  const [first] = [...played.keys()];
  if (first === undefined) throw new Error('no variant was played; this is a bug');
  const rows = [...played.keys()].map((variant) => ({
    variant,
    wallSeconds: spread(of(variant, 'wallSeconds')),
    timesAsFast: ratios(of(first, 'wallSeconds'), of(variant, 'wallSeconds')),
    gpuMs: spread(of(variant, 'gpuMs')),
    laneCpuMs: spread(of(variant, 'laneCpuMs')),
    jobs: spread(of(variant, 'jobs')),
    hits: spread(of(variant, 'hits')),
    joined: spread(of(variant, 'joined')),
  }));
  const found = (name: string) => of(name, 'hits').map((hits, round) => hits + (of(name, 'joined')[round] ?? NaN));
  const inEach = (what: string, counts: readonly number[], expected: number) =>
    exactly(`${what}, in each round`, counts.find((count) => count !== expected) ?? counts[0] ?? NaN, expected);
  return {
    rows,
    bounds: [
      inEach('jobs, cache only', of('cache only', 'jobs'), distinct),
      inEach('hits, cache only', of('cache only', 'hits'), requests - distinct),
      inEach('jobs, both', of('both', 'jobs'), distinct),
      inEach('hits and joined, both', found('both'), requests - distinct),
    ],
  };
}

/** `keysFrom` keeps what one turn asks for from what any other did: its requests differ by up to 72 steps from there. */
type Player = { running: Running; model: string; keysFrom: number };

async function play({ cache, together }: Variant, { running, model, keysFrom }: Player): Promise<Played> {
  const pictures = await Promise.all(Array.from({ length: distinct }, (_, i) => disc(12 * i)));
  // Another share of the canvas is another mesh, and another run of the model, that costs as much.
  const ask = (picture: number, i: number) =>
    request(running, pictures[picture] ?? Buffer.alloc(0), {
      model,
      foreground_ratio: (0.85 - (keysFrom + (cache ? 0 : i)) / 1e5).toFixed(5),
    });
  const before = await countsOf(running);
  const startMs = performance.now();
  const order = replayOrder();
  const meshes: MeshObject[] = [];
  if (together) meshes.push(...(await Promise.all(order.map(ask))));
  else for (const [i, picture] of order.entries()) meshes.push(await ask(picture, i));
  const wallSeconds = (performance.now() - startMs) / 1000;
  const after = await countsOf(running);
  const count = (status: string) => meshes.filter((mesh) => mesh.cache.status === status).length;
  return {
    wallSeconds,
    gpuMs: after.gpuMs - before.gpuMs,
    laneCpuMs: after.laneCpuMs - before.laneCpuMs,
    jobs: after.jobs - before.jobs,
    hits: count('hit'),
    joined: count('joined'),
  };
}

async function countsOf(running: Running) {
  const [gpuProcess = NaN] = await childrenOf(running.programs.origin.pid ?? NaN, 'gpu-process');
  return {
    gpuMs: 1000 * (await originCounter(running, 'meshkiln_origin_lane_busy_seconds_total')),
    laneCpuMs: processCpuMs(gpuProcess),
    jobs: await originCounter(running, 'meshkiln_origin_jobs_total', 'outcome="accepted"'),
  };
}

/** The mesh as it was first answered, when it is done: on a busy machine that can be after the wait has run out. */
async function request(running: Running, picture: Buffer, fields: Record<string, string>): Promise<MeshObject> {
  const options = { fields: { ...fields, output_format: 'stl' }, headers: { prefer: 'wait=60' } };
  const answer = await post(running, new Uint8Array(picture), options);
  if (!answer.ok) throw new Error(`a request was answered ${answer.status}: ${await answer.text()}`);
  const first = MeshObject.parse(await answer.json());
  const untilMs = Date.now() + lateMsMax;
  for (let mesh = first; mesh.status !== 'completed'; mesh = await running.client.get(first.id)) {
    if (mesh.error !== null || Date.now() > untilMs) throw new Error(`${mesh.id} is ${mesh.status}`);
    await sleep(latePollMs);
  }
  return first;
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
