import type { MeshManifest } from '../../contract/mesh.ts';
import type { Tier } from '../../edge/store/tiers.ts';
import { atLeast, atMost, exactly, type Bound } from '../harness/result.ts';
import { ratios, spread, type Spread } from '../harness/spread.ts';

/** How often faster a hit must be than a miss: a claim that any cache of minutes of GPU work must hold with ease. */
const speedUpMin = 10;
/** The same for each single picture: one that is hardly faster was no hit, whatever the machine did beside it. */
const speedUpOfEachMin = 2;

/** The old project's promises for a cache in the same process, in milliseconds. */
const getMsMax = 0.5;
const setMsMax = 5;
const inProcessTries = 1000;

/** Times of real requests in milliseconds, picture by picture: each one's first, and the median of the same again. */
export type HitsAndMisses = { missMs: readonly number[]; hitMs: readonly number[] };

/** Whether hits are as much faster than misses as promised, picture by picture. */
export function hitsAreFast({ missMs, hitMs }: HitsAndMisses): { bounds: Bound[]; row: Record<string, Spread> } {
  const ratio = ratios(missMs, hitMs);
  return {
    bounds: [
      atLeast('a miss / a hit of the same picture, median', ratio.median, speedUpMin),
      atLeast('a miss / a hit of the same picture, least', ratio.least, speedUpOfEachMin),
    ],
    row: { missMs: spread(missMs), hitMs: spread(hitMs), ratio },
  };
}

/** Whether a tier that lies in this process takes and gives manifests as fast as promised, by their medians. */
export async function tierIsFast(tier: Tier<MeshManifest>, manifest: MeshManifest): Promise<Bound[]> {
  const setMs: number[] = [];
  const getMs: number[] = [];
  let wrong = 0;
  for (let i = 0; i < inProcessTries; i++) {
    const key = i.toString(16).padStart(64, '0');
    setMs.push((await timed(() => tier.write(key, { ...manifest, key }))).ms);
    const { ms, value } = await timed(() => tier.read(key));
    getMs.push(ms);
    if (value?.key !== key) wrong += 1;
  }
  return [
    exactly('manifests that the cache did not give back', wrong, 0),
    atMost('cache get in-process, median ms', spread(getMs).median, getMsMax),
    atMost('cache set in-process, median ms', spread(setMs).median, setMsMax),
  ];
}

async function timed<Value>(run: () => Promise<Value>): Promise<{ ms: number; value: Value }> {
  const startMs = performance.now();
  const value = await run();
  return { ms: performance.now() - startMs, value };
}
