import type { MeshObject } from '../../contract/mesh.ts';
import { Problem } from '../../contract/problem.ts';
import type { AssetUrls } from './asset-url.ts';
import { goneObject, meshObject } from './mesh-object.ts';
import type { Meshes } from './meshes.ts';
import type { ListOptions, ListedMesh } from '../tenant/calls.ts';
import type { Tenants } from '../tenant/tenants.ts';

/** An OpenAI list object. */
export type MeshList = {
  object: 'list';
  data: MeshObject[];
  first_id: string | null;
  last_id: string | null;
  has_more: boolean;
};

export type MeshListOptions = { tenants: Tenants; meshes: Meshes; assetUrls: AssetUrls };

/** A page of a tenant's meshes; throws the Problem `invalid_parameter` when `after` is none of them. */
export async function listMeshes(tenant: string, query: ListOptions, options: MeshListOptions): Promise<MeshList> {
  const page = await options.tenants.list(tenant, query);
  if (page === null) {
    throw new Problem('invalid_parameter', 'There is no such mesh in your list.', { param: 'after' });
  }
  const data = await Promise.all(page.meshes.map((listed) => objectOf(listed, tenant, options)));
  return {
    object: 'list',
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: page.hasMore,
  };
}

async function objectOf(
  listed: ListedMesh,
  tenant: string,
  { meshes, assetUrls }: MeshListOptions,
): Promise<MeshObject> {
  try {
    const state = await meshes.find(listed.key, tenant);
    return await meshObject(state, { assetUrls, metadata: listed.metadata });
  } catch (error) {
    if (error instanceof Problem && error.code === 'mesh_not_found') return goneObject(listed);
    throw error;
  }
}
