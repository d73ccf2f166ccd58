import { MeshObject } from '../../contract/mesh.ts';
import { emoji, originCounter, post, startMeshkiln, type Running } from '../../test/end-to-end/meshkiln.ts';
import type { Served } from './accuracy.ts';
import type { HitsAndMisses } from './speed.ts';

const pictures = ['1f9f8', '1f680', '1f422', '1f3b8', '1f6f5'];
const crowdPicture = '1f369';
const crowdRequests = 20;

/** What both programs did, started as `npm start` does. */
export type Observed = { times: HitsAndMisses; served: Served[]; crowd: { requests: number; jobs: number } };

/** Runs both programs and watches them: misses with their hits, every byte that they serve, and a crowd. */
export async function observePrograms(): Promise<Observed> {
  const running = await startMeshkiln();
  try {
    const missMs: number[] = [];
    const hitMs: number[] = [];
    const served: Served[] = [];
    for (const name of pictures) {
      const picture = await emoji(name);
      const miss = await ask(running, picture, 'miss');
      const hit = await ask(running, picture, 'hit');
      missMs.push(miss.ms);
      hitMs.push(hit.ms);
      served.push(...(await fetchAll(running, hit.mesh)));
    }
    return { times: { missMs, hitMs }, served, crowd: await crowd(running) };
  } finally {
    await running.close();
  }
}

async function ask(running: Running, picture: Uint8Array<ArrayBuffer>, expected: 'miss' | 'hit') {
  const startMs = performance.now();
  const answer = await post(running, picture, { headers: { prefer: 'wait=60' } });
  const mesh = MeshObject.parse(await answer.json());
  const ms = performance.now() - startMs;
  if (mesh.cache.status !== expected) throw new Error(`a ${expected} was expected, and was a ${mesh.cache.status}`);
  return { mesh, ms };
}

/** A mesh's bytes by each of its URLs, in one piece and in two. */
async function fetchAll({ edgeUrl, settings }: Running, { id, asset }: MeshObject): Promise<Served[]> {
  if (asset === null) throw new Error(`${id} has no asset`);
  const { sha256, bytes: size } = asset;
  const headers = { authorization: `Bearer ${settings.apiKey}` };
  const half = Math.floor(size / 2);
  const get = async (url: string, range?: string) => {
    const answer = await fetch(url, {
      headers: { ...headers, ...(range !== undefined && { range: `bytes=${range}` }) },
    });
    return Buffer.from(await answer.arrayBuffer());
  };
  const content = `${edgeUrl}/v1/meshes/${id}/content`;
  const parts = Buffer.concat([await get(asset.url, `0-${half - 1}`), await get(asset.url, `${half}-`)]);
  return [
    { url: asset.url, bytes: await get(asset.url), sha256 },
    { url: content, bytes: await get(content), sha256 },
    { url: `${asset.url} in two ranges`, bytes: parts, sha256 },
  ];
}

async function crowd(running: Running) {
  const accepted = () => originCounter(running, 'meshkiln_origin_jobs_total', 'outcome="accepted"');
  const before = await accepted();
  const picture = await emoji(crowdPicture);
  const answers = await Promise.all(
    Array.from({ length: crowdRequests }, () => post(running, picture, { headers: { prefer: 'wait=60' } })),
  );
  if (answers.some(({ status }) => status !== 200)) throw new Error('a request of the crowd was not answered');
  return { requests: crowdRequests, jobs: (await accepted()) - before };
}
