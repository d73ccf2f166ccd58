import type { StoredBlob, MeshManifest } from '../../contract/mesh.ts';
import type { Blobs } from '../store/blobs.ts';
import { blobsOf } from '../store/index-entries.ts';
import type { Stores } from '../store/stores.ts';
import { forgetMeshes, type MeshRecords } from './forget-mesh.ts';
import { removeUnusedBlob } from './unused-blob.ts';

/** Where the blobs of one mesh lie: with it alone, where it is private. */
export type Place = { privateTo: string | undefined };

/** Where the blobs of this mesh lie. */
export function placeOf({ key, owner }: MeshManifest): Place {
  return { privateTo: owner === undefined ? undefined : key };
}

/** The first of a mesh's blobs that is not stored as its manifest has it, or null. */
export async function missingBlob(
  wanted: readonly StoredBlob[],
  { blobs, privateTo }: Place & { blobs: Blobs },
): Promise<StoredBlob | null> {
  const stored = await Promise.all(wanted.map(({ sha256 }) => blobs.head({ sha256, privateTo })));
  const isMissing = ({ bytes, mediaType }: StoredBlob, i: number) =>
    stored[i]?.bytes !== bytes || stored[i].mediaType !== mediaType;
  return wanted.find(isMissing) ?? null;
}

export type MeshStores = Pick<Stores, 'blobs' | 'entries'> & MeshRecords;

/** Removes a stored mesh with its bytes. */
export async function removeMesh(manifest: MeshManifest, stores: MeshStores): Promise<void> {
  await forgetMeshes([manifest.key], stores);
  if (manifest.owner === undefined) await removeMeshBlobs(manifest, stores);
  else await stores.blobs.removePrivate(manifest.key);
}

/** Removes what was sent of a mesh that nobody waits for; its manifest is null where none came. */
export async function removeSent(key: string, manifest: MeshManifest | null, stores: MeshStores): Promise<void> {
  await stores.blobs.removePrivate(key);
  if (manifest !== null) await removeMeshBlobs({ ...manifest, key }, stores);
}

/** Removes the shared blobs of a mesh that is not stored; those that another mesh has stay. */
async function removeMeshBlobs(manifest: MeshManifest, stores: MeshStores): Promise<void> {
  const { blobs, entries } = stores;
  const { key } = manifest;
  for (const { sha256 } of blobsOf(manifest)) {
    // A call that broke off may have left its own entry.
    await entries.remove({ by: 'blob', value: sha256, key });
    await removeUnusedBlob({ sha256 }, { ...stores, remove: /* defence: API10-6 */ () => blobs.remove({ sha256 }) });
  }
}
