import type { MeshIndex } from '../search/mesh-index.ts';
import type { Stores } from '../store/stores.ts';

/** All that is known of meshes: manifests with their copies and R2's index, and D1. */
export type MeshRecords = Pick<Stores, 'manifests'> & { index: MeshIndex };

/**
 * Forgets meshes: manifest, its copies and entries in R2's index, then their rows and tags in D1. Nothing outside this
 * room removes a manifest. The bytes are the caller's to remove, before it where a purge must be able to go on.
 */
export async function forgetMeshes(keys: readonly string[], { manifests, index }: MeshRecords): Promise<void> {
  for (const key of keys) await manifests.remove(key);
  await index.forget(keys);
}
