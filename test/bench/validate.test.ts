import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import type { MeshManifest } from '../../contract/mesh.ts';
import type { Tier } from '../../edge/cache/tiers.ts';
import { manifestMemory, memoryManifests } from '../../edge/cache/memory.ts';
import type { Bound } from '../../bench/harness/result.ts';
import { manifestOf } from '../../bench/harness/stored.ts';
import { recordedQuality, sampleHolds, servedIsWritten } from '../../bench/validate/accuracy.ts';
import { evictionPays, evictionTrace, flightIsSingle } from '../../bench/validate/optimisation.ts';
import { attacksAreRefused } from '../../bench/validate/security.ts';
import { hitsAreFast, tierIsFast } from '../../bench/validate/speed.ts';
import { attacks, type Attack } from '../security/attacks.ts';
import { runAttacks, type Outcome } from '../security/run-attacks.ts';

const missed = (bounds: readonly Bound[]) => bounds.filter(({ met }) => !met).map(({ what }) => what);
const now = () => Date.now();

test('speed fails when hits are made as slowly as misses', () => {
  const missMs = [1000, 1200, 1100];
  expect(missed(hitsAreFast({ missMs, hitMs: [10, 12, 11] }).bounds)).toEqual([]);
  expect(missed(hitsAreFast({ missMs, hitMs: missMs }).bounds)).toHaveLength(1);
});

test('speed fails when the memory tier is slow', async () => {
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

test('accuracy fails with a bound that evaluate missed, and with an open mesh in the sample', () => {
  const bound = { name: 'silhouette', value: 0.9, limit: 0.98 };
  expect(missed(recordedQuality({ bounds: [{ ...bound, met: true }] }))).toEqual([]);
  expect(missed(recordedQuality({ bounds: [{ ...bound, met: false }] }))).toHaveLength(1);
  const good = { silhouette: 0.99, watertight: true, manifold: true, errors: 0, warnings: 0 };
  expect(missed(sampleHolds([good]))).toEqual([]);
  expect(missed(sampleHolds([good, { ...good, watertight: false }]))).toHaveLength(1);
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
    const refused = Array.from({ length: 60 }, (): Outcome => ({ attack: known, result: 'passed' }));
    expect(missed(attacksAreRefused(refused))).toEqual([]);
    expect(missed(attacksAreRefused([...refused, ...outcomes]))).toHaveLength(1);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('optimisation fails with the baseline in the place of the policy, and with a job for each request', () => {
  const trace = evictionTrace();
  expect(missed(evictionPays(trace).bounds)).toEqual([]);
  expect(missed(evictionPays(trace, 'least-recently-used').bounds)).toHaveLength(1);
  expect(missed(flightIsSingle({ requests: 20, jobs: 1 }).bounds)).toEqual([]);
  expect(missed(flightIsSingle({ requests: 20, jobs: 20 }).bounds)).toHaveLength(1);
});
