import { Pool } from 'undici';
import type { BenchEdge } from '../harness/edge.ts';
import type { LoadRequest } from '../harness/load.ts';
import { exactly, type Findings } from '../harness/result.ts';
import { quantile, spread } from '../harness/spread.ts';
import { storeAsset, storeMesh, storeModel } from '../harness/stored.ts';

const assetBytes = 50_000;
const pictureBytes = 2000;
const requests = 200;

/**
 * Assets that are asked for in turn until each is in the Cache API: more than memory holds (28 MiB), so that by its next
 * turn each has left it.
 */
const assetsBeyondMemory = 650;

type Asked = { tier: string; ms: number };

/** How long one request at a time takes by the tier that answers it, as the answer itself names it. */
export async function benchTiers(edge: BenchEdge): Promise<Findings> {
  await storeModel(edge);
  const pool = new Pool(edge.url, { connections: 1, pipelining: 1 });
  try {
    const meshes = await meshTiers(edge, pool);
    const assets = await assetTiers(edge, pool);
    const bare = await bareAnswers(edge);
    const rows = [
      { case: 'bare Worker, 50 KB', ...times(bare) },
      ...[...assets].map(([tier, asked]) => ({ case: `GET asset, 50 KB, from ${tier}`, ...times(asked) })),
      ...[...meshes].map(([tier, asked]) => ({ case: `POST hit, 2 KB, from ${tier}`, ...times(asked) })),
    ];
    const answered = [...assets, ...meshes].map(([tier, asked]) => ({
      tier,
      elsewhere: asked.filter((each) => each.tier !== tier).length,
    }));
    const elsewhere = answered.reduce((sum, each) => sum + each.elsewhere, 0);
    return { rows, bounds: [exactly('answers from another tier than the one that was measured', elsewhere, 0)] };
  } finally {
    await pool.destroy();
  }
}

/** Memory is full of other assets when one is asked for that only the Cache API, or only R2, has. */
async function assetTiers(edge: BenchEdge, pool: Pool): Promise<Map<string, Asked[]>> {
  const paths: string[] = [];
  for (let i = 0; i < assetsBeyondMemory; i++) paths.push(await storeAsset(edge, assetBytes));
  const fetched: Asked[] = [];
  for (const path of paths) fetched.push(await askAsset(pool, path));
  const again: Asked[] = [];
  for (const path of paths.slice(0, requests)) again.push(await askAsset(pool, path));
  const held: Asked[] = [];
  const justAsked = paths[requests - 1] ?? '';
  for (let i = 0; i < requests; i++) held.push(await askAsset(pool, justAsked));
  return new Map([
    ['memory', held],
    ['colo', again],
    ['r2', fetched.slice(-requests)],
  ]);
}

/** Each mesh is asked for first from where it was put, then from memory. */
async function meshTiers(edge: BenchEdge, pool: Pool): Promise<Map<string, Asked[]>> {
  const found = new Map<string, Asked[]>([['memory', []]]);
  for (const tier of ['kv', 'r2'] as const) {
    const first: Asked[] = [];
    for (let i = 0; i < requests; i++) {
      const form = await storeMesh(edge, { pictureBytes, tier });
      first.push(await askMesh(pool, form));
      if (tier === 'kv') found.get('memory')?.push(await askMesh(pool, form));
    }
    found.set(tier, first);
  }
  return found;
}

async function bareAnswers({ bareUrl }: BenchEdge): Promise<Asked[]> {
  const pool = new Pool(bareUrl, { connections: 1, pipelining: 1 });
  const asked: Asked[] = [];
  for (let i = 0; i < requests; i++) {
    const startMs = performance.now();
    const { body } = await pool.request({ method: 'GET', path: `/?bytes=${assetBytes}` });
    await body.dump({ limit: Infinity });
    asked.push({ tier: 'bare', ms: performance.now() - startMs });
  }
  await pool.destroy();
  return asked;
}

async function askAsset(pool: Pool, path: string): Promise<Asked> {
  const startMs = performance.now();
  const { headers, body } = await pool.request({ method: 'GET', path });
  await body.dump({ limit: Infinity });
  const ms = performance.now() - startMs;
  return { tier: /detail=(\w+)/.exec(String(headers['cache-status']))?.[1] ?? 'none', ms };
}

async function askMesh(pool: Pool, { headers, body }: Omit<LoadRequest, 'url'>): Promise<Asked> {
  const startMs = performance.now();
  const answer = await pool.request({ method: 'POST', path: '/v1/meshes', headers: headers ?? {}, body: body ?? '' });
  const mesh = (await answer.body.json()) as { cache: { tier: string } };
  return { tier: mesh.cache.tier, ms: performance.now() - startMs };
}

function times(asked: readonly Asked[]) {
  const ms = asked.map((each) => each.ms);
  return { ms: spread(ms), p99Ms: quantile(Float64Array.from(ms).toSorted(), 0.99) };
}
