import type { BlobPlace } from '../store/blobs.ts';
import type { Stores } from '../store/stores.ts';
import { forgetMeshes, type MeshRecords } from './forget-mesh.ts';
import { blobsOf } from '../store/index-entries.ts';

/** Meshes that are found by one blob: the one that lets it go, and those that can take it in the moment of its removal. */
const usersMax = 10;

export type UnusedBlobOptions = Pick<Stores, 'blobs' | 'entries'> &
  MeshRecords & {
    /** The mesh that lets the blob go, whose own entry may still be there. */
    letGoBy?: string;
    /** Removes the blob from R2, and its copies from where the caller knows of some. */
    remove: () => Promise<void>;
  };

/**
 * Removes a blob that no other mesh uses; says whether it did. R2 cannot look and delete in one step, so a mesh may
 * take the blob in between, whole: it is removed too, so that it is made again and never a hit without its bytes. One
 * whose manifest is written later finds by itself that the blob is gone.
 */
export async function removeUnusedBlob(blob: BlobPlace, options: UnusedBlobOptions): Promise<boolean> {
  const { blobs, manifests, remove } = options;
  if ((await usersOf(blob, options)).length > 0) return false;
  await remove();
  for (const user of await usersOf(blob, options)) {
    const manifest = await manifests.readKept(user);
    const isLost = manifest !== null && blobsOf(manifest).some(({ sha256 }) => sha256 === blob.sha256);
    // It may have been sent again after the removal.
    if (isLost && (await blobs.head(blob)) === null) await forgetMeshes([user], options);
  }
  return true;
}

async function usersOf(
  { sha256, privateTo }: BlobPlace,
  { manifests, entries, letGoBy }: UnusedBlobOptions,
): Promise<string[]> {
  if (privateTo !== undefined) return (await manifests.isKept(privateTo)) ? [privateTo] : [];
  const { keys } = await entries.keys({ by: 'blob', value: sha256, max: usersMax });
  return keys.filter((key) => key !== letGoBy);
}
