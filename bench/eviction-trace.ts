import { writeFileSync } from 'node:fs';
import type { EvictionTrace } from './eviction-replay.ts';

const meshCount = 2000;
const requestCount = 20_000;
/** Popularity of the n-th mesh is 1 / n^exponent; web caches are seen at 0.6 to 0.9. */
const zipfExponent = 0.8;
const seed = 20_261_123;

/**
 * Kinds of model with the share of meshes that each makes and its GPU time, spread evenly on a logarithmic scale. The
 * times are assumptions that span what image-to-mesh models take, not measurements of ours.
 */
const kinds = [
  { share: 0.7, gpuMs: [4, 40] },
  { share: 0.25, gpuMs: [200, 2000] },
  { share: 0.05, gpuMs: [5000, 60_000] },
] as const;

/** Bytes of a mesh with its thumbnail, spread evenly on a logarithmic scale. */
const meshBytes = [60_000, 6_000_000] as const;

writeFileSync(new URL('results/eviction-trace.json', import.meta.url), `${JSON.stringify(makeTrace())}\n`);

/** Numbers the meshes by chance, so that size and cost have nothing to do with popularity. */
function makeTrace(): EvictionTrace {
  const random = mulberry32(seed);
  const meshes = Array.from({ length: meshCount }, () => {
    const [least, most] = kindAt(random()).gpuMs;
    return { bytes: Math.round(between(meshBytes, random())), gpuMs: Math.round(between([least, most], random())) };
  });
  const cumulative: number[] = [];
  let sum = 0;
  for (let rank = 1; rank <= meshCount; rank++) cumulative.push((sum += rank ** -zipfExponent));
  const requests = Array.from({ length: requestCount }, () => {
    const point = random() * sum;
    return cumulative.findIndex((reached) => reached >= point);
  });
  return { seed, zipfExponent, meshes, requests };
}

function kindAt(point: number): (typeof kinds)[number] {
  let reached = 0;
  return kinds.find((kind) => (reached += kind.share) >= point) ?? kinds[0];
}

function between([least, most]: readonly [number, number], point: number): number {
  return least * (most / least) ** point;
}

/** A small seeded generator of numbers from 0 to 1. */
function mulberry32(state: number): () => number {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
