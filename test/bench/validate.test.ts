import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { MeshManifest } from '../../contract/mesh.ts';
import type { Tier } from '../../edge/store/tiers.ts';
import { manifestMemory, memoryManifests } from '../../edge/store/memory.ts';
import type { Bound } from '../../bench/harness/result.ts';
import { medianInterval } from '../../bench/harness/spread.ts';
import { manifestOf } from '../../bench/harness/stored.ts';
import { recordedQuality, sampleHolds, servedIsWritten, type EvaluateRecord } from '../../bench/validate/accuracy.ts';
import type { Observations } from '../../bench/validate/observe.ts';
import { batchingPays, evictionPays, evictionTrace, flightIsSingle } from '../../bench/validate/optimisation.ts';
import { attacksAreRefused } from '../../bench/validate/security.ts';
import { hitsAreFast, tierIsFast } from '../../bench/validate/speed.ts';
import { validate } from '../../bench/validate/validate.ts';
import { attacks, type Attack } from '../security/attacks.ts';
import { runAttacks, type Outcome } from '../security/run-attacks.ts';

const shippedDigest = 'a'.repeat(64);
const evaluated: EvaluateRecord = {
  model: { id: 'bisque@1', digest: shippedDigest },
  bounds: [{ what: 'silhouette', measured: 0.99, bound: '≥ 0.98', met: true }],
};
const goodMesh = { silhouette: 0.99, watertight: true, manifold: true, triangles: 8, errors: 0, warnings: 0 };

const missed = (bounds: readonly Bound[]) => bounds.filter(({ met }) => !met).map(({ what }) => what);
const now = () => Date.now();

test('speed fails when hits are made as slowly as misses', () => {
  const missMs = [1000, 1200, 1100];
  expect(missed(hitsAreFast({ missMs, hitMs: [10, 12, 11] }).bounds)).toEqual([]);
  expect(missed(hitsAreFast({ missMs, hitMs: missMs }).bounds)).toHaveLength(2);
  expect(missed(hitsAreFast({ missMs, hitMs: [10, 12, 1100] }).bounds)).toEqual([
    'a miss / a hit of the same picture, least',
  ]);
  expect(missed(hitsAreFast({ missMs: [], hitMs: [] }).bounds)).toHaveLength(2);
});

test('speed fails when the memory tier is slow, and when it keeps nothing', async () => {
  const manifest = await manifestOf('0'.repeat(64));
  const memory = memoryManifests(manifestMemory(now), now);
  expect(missed(await tierIsFast(memory, manifest))).toEqual([]);
  const slow: Tier<MeshManifest> = {
    ...memory,
    read: async (key) => {
      const untilMs = performance.now() + 1;
      while (performance.now() < untilMs);
      return memory.read(key);
    },
  };
  expect(missed(await tierIsFast(slow, manifest))).toEqual(['cache get in-process, median ms']);
  const empty: Tier<MeshManifest> = { ...memory, read: () => Promise.resolve(null) };
  expect(missed(await tierIsFast(empty, manifest))).toEqual(['manifests that the cache did not give back']);
});

test('accuracy fails when one bit of what is served is another', () => {
  const bytes = Buffer.from('the bytes of a mesh');
  const sha256 = '775ba268a11e161c157f2fcb3bd421dff4f16ae13ae7eed352733a468cea02a7';
  const served = [{ url: '/assets/x.glb', bytes, sha256 }];
  expect(missed(servedIsWritten(served))).toEqual([]);
  const flipped = Buffer.from(bytes);
  flipped[7] = (flipped[7] ?? 0) ^ 1;
  expect(missed(servedIsWritten([{ url: '/assets/x.glb', bytes: flipped, sha256 }]))).toHaveLength(1);
  expect(missed(servedIsWritten([]))).toHaveLength(1);
});

test('accuracy fails with a bound that evaluate missed, or with the record of another model', () => {
  expect(missed(recordedQuality(evaluated, shippedDigest))).toEqual([]);
  const bounds = evaluated.bounds.map((bound) => ({ ...bound, met: false }));
  expect(missed(recordedQuality({ ...evaluated, bounds }, shippedDigest))).toHaveLength(1);
  expect(missed(recordedQuality({ ...evaluated, bounds: [] }, shippedDigest))).toHaveLength(1);
  expect(missed(recordedQuality(evaluated, 'b'.repeat(64)))).toEqual(['models evaluated that are the shipped one']);
});

test('accuracy fails with an open mesh in the sample, and with no sample', () => {
  expect(missed(sampleHolds([goodMesh]))).toEqual([]);
  expect(missed(sampleHolds([goodMesh, { ...goodMesh, watertight: false }]))).toHaveLength(1);
  expect(missed(sampleHolds([goodMesh, { ...goodMesh, triangles: 0 }]))).toHaveLength(1);
  expect(missed(sampleHolds([goodMesh, { ...goodMesh, silhouette: NaN }]))).toEqual(['sample: worst silhouette, IoU']);
  expect(missed(sampleHolds([]))).toEqual(['sample: meshes made', 'sample: worst silhouette, IoU']);
});

test('security fails when an attack comes through, and when one was not made', async () => {
  const repository = join(import.meta.dirname, '../..');
  const folder = await mkdtemp(join(import.meta.dirname, 'attacks-'));
  try {
    const file = join(folder, 'mutated.test.ts');
    const names = ['a refused attack', 'an attack that comes through', 'an attack that is not made'];
    const tests = [200, 401].map((status, i) => `test('${names[1 - i]}', () => expect(${status}).toBe(401));`);
    await writeFile(file, `import { expect, test } from 'vitest';\n${tests.join('\n')}\n`);
    const [known] = attacks;
    if (known === undefined) throw new Error('there are no attacks');
    const mutated = names.map((name): Attack => ({ ...known, test: [relative(repository, file), name] }));
    const outcomes = await runAttacks(repository, mutated);
    expect(outcomes.map(({ result }) => result)).toEqual(['passed', 'failed', 'not run']);
    const refused = Array.from({ length: 67 }, (): Outcome => ({ attack: known, result: 'passed' }));
    expect(missed(attacksAreRefused(refused))).toEqual([]);
    expect(outcomes[1]?.why).toContain('expected 200 to be 401');
    expect(outcomes[2]?.why).toBe('its file has no test of this name');
    expect(missed(attacksAreRefused([...refused, ...outcomes]))).toEqual([
      'attacks that were not refused',
      'attacks that could not be made',
    ]);
    expect(missed(attacksAreRefused([]))).toEqual(['attacks made']);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('an attack whose file could not begin says why it was not made', async () => {
  const repository = join(import.meta.dirname, '../..');
  const folder = await mkdtemp(join(import.meta.dirname, 'attacks-'));
  try {
    const file = join(folder, 'unready.test.ts');
    const hook = `beforeAll(() => Promise.reject(new Error('the origin did not start')));`;
    const text = `import { beforeAll, test } from 'vitest';\n${hook}\ntest('an attack', () => {});\n`;
    await writeFile(file, text);
    const [known] = attacks;
    if (known === undefined) throw new Error('there are no attacks');
    const outcomes = await runAttacks(repository, [{ ...known, test: [relative(repository, file), 'an attack'] }]);
    expect(outcomes).toMatchObject([{ result: 'not run', why: 'the origin did not start' }]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('optimisation fails when tuned batches are slower than none, and when none were compared', () => {
  const row = (...shares: number[]) => ({ model: 'bisque@1', share: medianInterval(shares) });
  expect(missed(batchingPays([row(1.2), row(0.96), row(0.85, 0.9, 1)]))).toEqual([]);
  const slower = 'bisque@1: cost of a row, batch 1 / tuned, upper end of the interval';
  expect(missed(batchingPays([row(1.2), row(0.85, 0.9, 0.94)]))).toEqual([slower]);
  expect(missed(batchingPays([row(NaN)]))).toHaveLength(1);
  expect(missed(batchingPays([]))).toHaveLength(1);
});

test('optimisation fails with the baseline in the place of the policy, and with a job for each request', () => {
  const trace = evictionTrace();
  expect(missed(evictionPays(trace).bounds)).toEqual([]);
  expect(missed(evictionPays(trace, 'least-recently-used').bounds)).toHaveLength(1);
  expect(missed(flightIsSingle({ requests: 20, jobs: 1, misses: 1 }).bounds)).toEqual([]);
  expect(missed(flightIsSingle({ requests: 20, jobs: 20, misses: 20 }).bounds)).toHaveLength(2);
  // An origin takes a job once, however often it is sent.
  expect(missed(flightIsSingle({ requests: 20, jobs: 1, misses: 20 }).bounds)).toHaveLength(1);
});

describe('npm run validate', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'meshkiln-validate-'));
    vi.spyOn(console, 'log').mockReturnValue();
    vi.spyOn(console, 'table').mockReturnValue();
  });
  afterAll(async () => {
    vi.restoreAllMocks();
    await rm(folder, { recursive: true });
  });

  const run = async (mutation: Partial<Observations>) => {
    const exitCode = await validate(async () => ({ ...(await sound()), ...mutation }), folder);
    const kept = JSON.parse(await readFile(join(folder, 'validate.json'), 'utf8')) as { bounds: Bound[] };
    return { exitCode, red: [...new Set(missed(kept.bounds).map((what) => what.split(':')[0]))] };
  };

  test('is green when all that was observed is sound', async () => {
    expect(await run({})).toEqual({ exitCode: 0, red: [] });
  });

  test.each<[component: string, what: string, mutation: () => Partial<Observations> | Promise<Partial<Observations>>]>([
    ['speed', 'hits take as long as misses', () => ({ times: { missMs: [900], hitMs: [900] } })],
    [
      'accuracy',
      'the edge serves other bytes than the origin sent',
      async () => {
        const { served } = await sound();
        return { served: served.map((one) => ({ ...one, sha256: 'c'.repeat(64) })) };
      },
    ],
    ['accuracy', 'the record is of another model', () => ({ shippedDigest: 'b'.repeat(64) })],
    ['accuracy', 'a file in fp16 is compared with nothing', () => ({ fp16Files: 1 })],
    [
      'security',
      'an attack comes through',
      async () => {
        const all = (await sound()).attacks;
        return { attacks: all.map((outcome, i): Outcome => (i === 7 ? { ...outcome, result: 'failed' } : outcome)) };
      },
    ],
    ['optimisation', 'the edge evicts what was used least recently', () => ({ evictionPolicy: 'least-recently-used' })],
    ['optimisation', 'each request begins a flight', () => ({ crowd: { requests: 20, jobs: 1, misses: 20 } })],
    [
      'optimisation',
      'batches are slower than none',
      () => ({
        batching: [{ model: 'bisque@1', share: medianInterval([0.5]) }],
      }),
    ],
  ])('exits 1 for %s when %s', async (component, _what, mutation) => {
    expect(await run(await mutation())).toEqual({ exitCode: 1, red: [component] });
  });
});

/** What is observed of a project that keeps all its promises. */
async function sound(): Promise<Observations> {
  const bytes = Buffer.from('the bytes of a mesh');
  const served = { url: '/assets/x.glb', bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
  return {
    times: { missMs: [900, 1100], hitMs: [9, 11] },
    served: [served],
    crowd: { requests: 20, jobs: 1, misses: 1 },
    tier: memoryManifests(manifestMemory(now), now),
    manifest: await manifestOf('0'.repeat(64)),
    evaluated,
    shippedDigest,
    fp16Files: 0,
    sample: [goodMesh],
    attacks: attacks.map((attack): Outcome => ({ attack, result: 'passed' })),
    evictionTrace: evictionTrace(),
    evictionPolicy: 'greedy-dual-size-frequency',
    batching: [{ model: 'bisque@1', share: medianInterval([1.2]) }],
  };
}
