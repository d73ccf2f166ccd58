import type { MeshObject } from '../../contract/mesh.ts';
import { startEdgeAlone, type EdgeAlone } from '../end-to-end/edge-alone.ts';
import type { Known } from './requests.ts';

/** An edge to fuzz, with one finished mesh in it; its way out leads nowhere, and its origin finds fault with every picture. */
export async function startTarget(): Promise<{ edge: EdgeAlone; known: Known }> {
  const edge = await startEdgeAlone({ resolve: async () => [] }, { inspected: true });
  const png = Buffer.alloc(64);
  Buffer.from('89504e470d0a1a0a0000000d494844520000000800000008', 'hex').copy(png);
  const form = new FormData();
  form.set('image', new File([png], 'picture.png'));
  const posted = edge.call('/v1/meshes', { method: 'POST', headers: { prefer: 'wait=30' }, body: form });
  while (edge.origin.jobs.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  const [job] = edge.origin.jobs;
  if (job === undefined) throw new Error('no job came');
  await edge.origin.complete(job);
  const mesh = (await (await posted).json()) as MeshObject;
  edge.origin.takesJobs = false;
  return { edge, known: { meshId: mesh.id, assetFile: `${mesh.asset?.sha256}.glb` } };
}
