import { childCpuMs } from '../harness/cpu.ts';
import type { BenchEdge } from '../harness/edge.ts';
import { caseRow, interleave, type CaseRuns } from '../harness/interleave.ts';
import type { LoadRequest } from '../harness/load.ts';
import { startNginx } from '../harness/nginx.ts';
import { atLeast, type Findings } from '../harness/result.ts';
import { ratios } from '../harness/spread.ts';
import { storeAsset, storeMesh, storeModel } from '../harness/stored.ts';

const sizes = { '50 KB': 50_000, '1 MB': 1_000_000 } as const;
const timing = { repeats: 31, secondsEach: 0.2, cpuMs: () => childCpuMs('workerd') };

/** The least share of the bare Worker's throughput that a hit may have. */
const shareMin = 0.8;

/**
 * Hits on a direct socket of workerd beside a bare Worker that gives as many bytes, or hashes the same body; asset hits
 * through Miniflare's front door and beside nginx's proxy_cache too, where nginx is installed.
 */
export async function benchHits(edge: BenchEdge): Promise<Findings> {
  await storeModel(edge);
  const findings: Findings = { rows: [], bounds: [] };
  for (const [size, bytes] of Object.entries(sizes)) {
    for (const found of [await assets(edge, size, bytes), await posts(edge, size, bytes)]) {
      findings.rows.push(...found.rows);
      findings.bounds.push(...found.bounds);
    }
  }
  return findings;
}

async function assets(edge: BenchEdge, size: string, bytes: number): Promise<Findings> {
  const path = await storeAsset(edge, bytes);
  const nginx = await startNginx(edge.bareUrl);
  await answerAlike(edge, { url: edge.url + path });
  try {
    const runs = await interleave(
      {
        meshkiln: { url: edge.url + path, answerBytes: bytes },
        bare: { url: `${edge.bareUrl}/?bytes=${bytes}`, answerBytes: bytes },
        alike: { url: `${edge.bareUrl}/?bytes=${bytes}&alike`, answerBytes: bytes },
        front: { url: edge.frontUrl + path, answerBytes: bytes },
        nginx: nginx && { url: `${nginx.url}/?bytes=${bytes}`, answerBytes: bytes },
      },
      timing,
    );
    const share = ratios(runs.meshkiln.perSecond, runs.bare.perSecond);
    return {
      rows: [
        caseRow(`GET asset, ${size}`, runs.meshkiln),
        caseRow(`GET asset, ${size}, bare Worker`, runs.bare),
        caseRow(`GET asset, ${size}, bare, same answer`, runs.alike),
        caseRow(`GET asset, ${size}, front door`, runs.front),
        // What nginx uses is not workerd's CPU time.
        ...(nginx ? [{ ...caseRow(`GET asset, ${size}, nginx`, runs.nginx), cpuMicroseconds: null }] : []),
        { case: `GET asset, ${size}, share of bare`, share, cpuShare: cpuShare(runs) },
        shareOfAlike(`GET asset, ${size}`, runs),
      ],
      bounds: [atLeast(`GET asset, ${size}: share of a bare Worker's throughput`, share.median, shareMin)],
    };
  } finally {
    await nginx?.close();
  }
}

async function posts(edge: BenchEdge, size: string, bytes: number): Promise<Findings> {
  const form = await storeMesh(edge, { pictureBytes: bytes, tier: 'r2' });
  await answerAlike(edge, { ...form, url: `${edge.url}/v1/meshes` });
  const runs = await interleave(
    {
      meshkiln: { ...form, url: `${edge.url}/v1/meshes` },
      bare: { ...form, url: edge.bareUrl },
      alike: { ...form, url: `${edge.bareUrl}/?alike` },
      front: { ...form, url: `${edge.frontUrl}/v1/meshes` },
    },
    timing,
  );
  const share = ratios(runs.meshkiln.perSecond, runs.bare.perSecond);
  return {
    rows: [
      caseRow(`POST hit, ${size}`, runs.meshkiln),
      caseRow(`POST hit, ${size}, bare Worker`, runs.bare),
      caseRow(`POST hit, ${size}, bare, same answer`, runs.alike),
      caseRow(`POST hit, ${size}, front door`, runs.front),
      { case: `POST hit, ${size}, share of bare`, share, cpuShare: cpuShare(runs) },
      shareOfAlike(`POST hit, ${size}`, runs),
    ],
    bounds: [atLeast(`POST hit, ${size}: share of a bare Worker's throughput`, share.median, shareMin)],
  };
}

/** Headers of a connection, which each server sets by itself. */
const connectionHeaders: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'transfer-encoding', 'date']);

/**
 * Has the bare Worker give the very answer that this request gets from memory, so that what an answer costs can be told
 * from the rest.
 */
async function answerAlike(edge: BenchEdge, { url, method = 'GET', headers = {}, body }: LoadRequest): Promise<void> {
  const ask = () => fetch(url, { method, headers, body: body ? new Uint8Array(body) : null });
  await (await ask()).arrayBuffer(); // from R2
  const answer = await ask();
  if (!answer.headers.get('cache-status')?.includes('detail=memory')) throw new Error(`${url} is not held in memory`);
  const text = await answer.text();
  const kept = [...answer.headers].filter(([name]) => !connectionHeaders.has(name));
  const told = JSON.stringify({ headers: Object.fromEntries(kept), text: method === 'POST' ? text : null });
  await fetch(edge.bareUrl, { method: 'PUT', body: told });
}

type Runs<Name extends string> = Record<Name, CaseRuns>;

function shareOfAlike(name: string, { meshkiln, alike }: Runs<'meshkiln' | 'alike'>) {
  const share = ratios(meshkiln.perSecond, alike.perSecond);
  return { case: `${name}, share of same answer`, share, cpuShare: cpuShare({ meshkiln, bare: alike }) };
}

/** The bare Worker's CPU time as a share of ours; unlike throughput, next to independent of the client's own speed. */
function cpuShare({ meshkiln, bare }: Runs<'meshkiln' | 'bare'>): number {
  return bare.cpuMicroseconds / meshkiln.cpuMicroseconds;
}
