import { canonicalJson } from '../../contract/canonical-json.ts';
import { sha256 } from '../../contract/digest.ts';
import type { MeshManifest } from '../../contract/mesh.ts';

/**
 * What marks a mesh as one tenant's in its manifest: a digest, so that the manifest names nobody, made with the mesh's
 * key, so that no two meshes of a tenant can be told to be of the same one.
 */
export function ownerOf(key: string, tenant: string): Promise<string> {
  return sha256(canonicalJson({ key, tenant }));
}

/** Whether a tenant may read a mesh: a shared one has no owner. */
export async function mayRead({ key, owner }: MeshManifest, tenant: string): Promise<boolean> {
  return owner === undefined || owner === (await ownerOf(key, tenant));
}
