import type { MeshIndex } from './mesh-index.ts';
import type { MeshRow } from './mesh-row.ts';

/** A mesh with how often it was asked for since it was made. */
export type MostUsed = Pick<
  MeshRow,
  'key' | 'model' | 'output_format' | 'scope' | 'bytes' | 'gpu_ms' | 'created_at'
> & {
  uses: number;
  last_used_at: number;
};

/** The meshes that were asked for most often, the first of them first. */
export async function mostUsed(index: MeshIndex, max: number): Promise<MostUsed[]> {
  const db = await index.open();
  const { results } = await db
    .prepare(
      `SELECT key, model, output_format, scope, bytes, gpu_ms, uses, created_at, last_used_at FROM meshes
       ORDER BY uses DESC LIMIT ?`,
    )
    .bind(max)
    .all<MostUsed>();
  return results;
}
