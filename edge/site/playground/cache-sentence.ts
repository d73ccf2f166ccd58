import type { MeshObject } from '../../../contract/mesh.ts';
import { duration } from '../look/figures.ts';

const tiers = {
  memory: "the edge's memory",
  kv: "the edge's key-value store",
  r2: "the edge's object store",
} as const;

/** In a plain sentence or two, what the cache did for a request that took so long from here. */
export function cacheSentence(mesh: MeshObject, tookMs: number): string {
  const { status, tier, saved_gpu_ms: savedMs, reused } = mesh.cache;
  const device = mesh.provider === 'cpu' ? 'model' : 'GPU';
  if (status === 'hit' && tier !== null) {
    const saved = savedMs > 0 ? `; ${duration(savedMs)} of ${device} time saved` : '';
    return `Served from ${tiers[tier]} in ${duration(tookMs)}; the ${device} was not asked${saved}.`;
  }
  if (reused === 'geometry') {
    return `Encoded anew in ${duration(tookMs)} from the surface that was kept; the ${device} was not asked.`;
  }
  if (status === 'joined') {
    return `Somebody else had just asked for the same mesh: one run served you both, in ${duration(tookMs)}.`;
  }
  return `New here, so the ${device} made it, in ${duration(tookMs)}. Whoever asks for it again gets it from the cache.`;
}
