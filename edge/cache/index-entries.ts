import type { Blob, MeshManifest } from '../../contract/mesh.ts';

/** What meshes can be found by: their picture, a blob of theirs (asset or thumbnail), their model. */
export type IndexedBy = 'image' | 'blob' | 'model';

/** Entries that one listing gives at most; R2 takes as many names in one delete. */
const listedMax = 1000;

/**
 * Empty objects `index/<by>/<value>/<key>` in R2, written before the manifest that they are of. They say which meshes
 * use a blob, strongly consistently, so that no purge takes bytes from a mesh that stays. One whose manifest is gone
 * means nothing.
 */
export async function writeIndex(r2: R2Bucket, manifest: MeshManifest): Promise<void> {
  await Promise.all(entriesOf(manifest).map((name) => r2.put(name, '')));
}

/** Removes the entries of a manifest that is gone, but for those that the one in its place has too. */
export async function removeIndex(r2: R2Bucket, gone: MeshManifest, inPlace?: MeshManifest): Promise<void> {
  const kept = new Set(inPlace ? entriesOf(inPlace) : []);
  await r2.delete(entriesOf(gone).filter((name) => !kept.has(name)));
}

/** One line of the index. */
export type IndexEntry = { by: IndexedBy; value: string; key: string };

/** Removes one entry, of a manifest that may be gone or damaged. */
export async function removeEntry(r2: R2Bucket, { by, value, key }: IndexEntry): Promise<void> {
  await r2.delete(prefixOf(by, value) + key);
}

/** Request keys of meshes with this picture, blob or model: at most `max`, and whether there are more. */
export async function indexedKeys(
  r2: R2Bucket,
  { by, value, max }: { by: IndexedBy; value: string; max: number },
): Promise<{ keys: string[]; more: boolean }> {
  const prefix = prefixOf(by, value);
  const { objects, truncated } = await r2.list({ prefix, limit: Math.min(max, listedMax) });
  return { keys: objects.map(({ key }) => key.slice(prefix.length)), more: truncated };
}

/** The blobs of a mesh. */
export function blobsOf({ asset, thumbnail }: MeshManifest): readonly Blob[] {
  return thumbnail === null ? [asset] : [asset, thumbnail];
}

function entriesOf(manifest: MeshManifest): string[] {
  const blobs = blobsOf(manifest).map(({ sha256 }) => prefixOf('blob', sha256));
  const prefixes = [prefixOf('image', manifest.imageSha256), prefixOf('model', manifest.model), ...blobs];
  return prefixes.map((prefix) => prefix + manifest.key);
}

function prefixOf(by: IndexedBy, value: string): string {
  return `index/${by}/${value}/`;
}
