import type { StoredBlob, MeshManifest } from '../../contract/mesh.ts';
import { blobKey, headBlob } from '../store/blobs.ts';
import { blobsOf, removeEntry } from '../store/index-entries.ts';
import type { Manifests } from '../store/manifests.ts';
import { removeUnusedBlob } from './unused-blob.ts';

/** Where the blobs of one mesh lie. */
export type Place = { r2: R2Bucket; privateTo: string | undefined };

/** Where the blobs of this mesh lie. */
export function placeOf({ key, owner }: MeshManifest, r2: R2Bucket): Place {
  return { r2, privateTo: owner === undefined ? undefined : key };
}

/** The first of a mesh's blobs that is not stored as its manifest has it, or null. */
export async function missingBlob(blobs: readonly StoredBlob[], place: Place): Promise<StoredBlob | null> {
  const stored = await Promise.all(blobs.map(({ sha256 }) => headBlob({ sha256, ...place })));
  const isMissing = ({ bytes, mediaType }: StoredBlob, i: number) =>
    stored[i]?.bytes !== bytes || stored[i].mediaType !== mediaType;
  return blobs.find(isMissing) ?? null;
}

/** Removes the shared blobs of a mesh that is not stored, but for those that another mesh has. */
export async function removeMeshBlobs(
  manifest: MeshManifest,
  { r2, manifests }: { r2: R2Bucket; manifests: Manifests },
): Promise<void> {
  const { key } = manifest;
  for (const { sha256 } of blobsOf(manifest)) {
    // A call that broke off may have left its own entry.
    await removeEntry(r2, { by: 'blob', value: sha256, key });
    await removeUnusedBlob(
      { sha256 },
      { r2, manifests, remove: /* defence: API10-6 */ () => r2.delete(blobKey({ sha256 })) },
    );
  }
}
