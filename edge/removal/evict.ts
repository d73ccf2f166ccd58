import { planEviction } from './eviction.ts';
import { kvCacheSeconds } from '../store/kv.ts';
import { memoryLifeSeconds } from '../store/memory.ts';
import { rowOf } from '../search/mesh-row.ts';
import type { SweepOptions } from './sweep-options.ts';

/** Meshes that one run evicts: each takes some 8 calls to storage. */
const evictedMax = 100;

/** Life that an evicted mesh has left: longer than any copy of its manifest that knows nothing of it. */
const retiredSeconds = 2 * (kvCacheSeconds + memoryLifeSeconds);

/**
 * Evicts the meshes that save the least GPU time per byte until the others fit, or `evictedMax` are evicted; their
 * number. An evicted mesh expires soon, and then goes as every expired one does: no hit ever names bytes that are gone.
 */
export async function evict(
  nowSeconds: number,
  { index, manifests, surfaces, bytesMax }: SweepOptions,
): Promise<number> {
  const atSeconds = nowSeconds + retiredSeconds;
  const excessBytes = (await index.keptBytes(atSeconds)) - bytesMax;
  if (excessBytes <= 0) return 0;
  const candidates = await index.candidates({ untilSeconds: atSeconds, max: evictedMax });
  const candidateBytes = candidates.reduce((sum, { bytes }) => sum + bytes, 0);
  const plan = planEviction(candidates, { bytesMax: candidateBytes - excessBytes, clock: await index.clock() });
  for (const key of plan.evict) {
    const manifest = await manifests.retire(key, atSeconds);
    await (manifest === null ? index.forget([key]) : index.write([await rowOf(manifest, surfaces)]));
  }
  await index.setClock(plan.clock);
  return plan.evict.length;
}
