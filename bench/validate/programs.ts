import { join } from 'node:path';
import { keyOfMeshId } from '../../contract/key.ts';
import type { MeshObject } from '../../contract/mesh.ts';
import { localOriginId } from '../../local/settings.ts';
import { Supervisor } from '../../local/supervisor.ts';
import { emoji, startMeshkiln, type Running } from '../../test/end-to-end/meshkiln.ts';
import { askAtOnce, askForMesh, type Crowd } from '../harness/ask.ts';
import { spread } from '../harness/spread.ts';
import type { Served } from './accuracy.ts';
import type { HitsAndMisses } from './speed.ts';
import { startWitness, type Witness } from './witness.ts';

const hitsOfEach = 5;

/** What to ask for: pictures to time, others whose bytes are compared, and one that many ask for at once. */
export type Script = { timed: string[]; compared: string[]; crowd: { picture: string; requests: number } };

const script: Script = {
  timed: ['1f9f8', '1f680', '1f422', '1f3b8', '1f6f5'],
  compared: ['1f34e', '1f3a9', '1f98a'],
  crowd: { picture: '1f369', requests: 20 },
};

/** What both programs did, started as `npm start` does. */
export type ObservedPrograms = { times: HitsAndMisses; served: Served[]; crowd: Crowd };

/** Runs both programs and watches them: misses with their hits, a crowd, and every byte that they serve. */
export async function observePrograms({ timed, compared, crowd }: Script = script): Promise<ObservedPrograms> {
  const running = await startMeshkiln();
  try {
    const times = await timesOf(running, timed);
    const atOnce = await askAtOnce(running, await emoji(crowd.picture), crowd.requests);
    return { times, crowd: atOnce.crowd, served: await servedBy(running, compared) };
  } finally {
    await running.close();
  }
}

async function timesOf(running: Running, pictures: readonly string[]): Promise<HitsAndMisses> {
  const missMs: number[] = [];
  const hitMs: number[] = [];
  for (const name of pictures) {
    const picture = await emoji(name);
    missMs.push((await ask(running, picture, 'miss')).ms);
    const again: number[] = [];
    for (let hit = 0; hit < hitsOfEach; hit++) again.push((await ask(running, picture, 'hit')).ms);
    hitMs.push(spread(again).median);
  }
  return { missMs, hitMs };
}

/** Meshes' bytes by each of their URLs, beside what a witness between both programs saw the origin send. */
async function servedBy(running: Running, pictures: readonly string[]): Promise<Served[]> {
  const witness = await startWitness(running.edgeUrl);
  await running.programs.origin.stop();
  const origin = watchedOrigin(running, witness);
  try {
    await origin.start();
    const served: Served[] = [];
    for (const name of pictures) {
      const { mesh } = await ask(running, await emoji(name), 'miss');
      served.push(...(await fetchAll(running, mesh, witness.assetOf(keyOfMeshId(mesh.id) ?? ''))));
    }
    return served;
  } finally {
    await origin.stop();
    witness.close();
  }
}

/** The origin as `npm start` runs it, but that its calls to the edge go by the witness. */
function watchedOrigin({ settings, originUrl, log }: Running, witness: Witness): Supervisor {
  return new Supervisor({
    name: 'origin',
    file: join(import.meta.dirname, '../../local/origin.ts'),
    environment: {
      MESHKILN_STATE: settings.stateFolder,
      ORIGIN_ID: localOriginId,
      ORIGIN_SECRET: settings.originSecret,
      ORIGIN_HOST: '127.0.0.1',
      ORIGIN_PORT: String(settings.originPort),
      ORIGIN_URL: originUrl,
      ORIGIN_STATE: join(settings.stateFolder, 'origin'),
      EDGE_URL: witness.url,
    },
    stopGraceMs: 15_000,
    readyUrl: `${originUrl}/readyz`,
    onLine: (line) => log.push(`origin ${line}`),
  });
}

async function ask(running: Running, picture: Uint8Array<ArrayBuffer>, expected: 'miss' | 'hit') {
  const startMs = performance.now();
  const mesh = await askForMesh(running, picture);
  const ms = performance.now() - startMs;
  if (mesh.cache.status !== expected) throw new Error(`a ${expected} was expected, and was a ${mesh.cache.status}`);
  return { mesh, ms };
}

/** A mesh's bytes by each of its URLs, in one piece and in two. */
async function fetchAll({ edgeUrl, settings }: Running, { id, asset }: MeshObject, sha256: string): Promise<Served[]> {
  if (asset === null) throw new Error(`${id} has no asset`);
  const headers = { authorization: `Bearer ${settings.apiKey}` };
  const get = async (url: string, range?: string) => {
    const answer = await fetch(url, { headers: { ...headers, ...(range !== undefined && { range }) } });
    const expected = range === undefined ? 200 : 206;
    if (answer.status !== expected) throw new Error(`${url} was answered ${answer.status}, not ${expected}`);
    return Buffer.from(await answer.arrayBuffer());
  };
  const half = Math.floor(asset.bytes / 2);
  const content = `${edgeUrl}/v1/meshes/${id}/content`;
  const parts = [await get(asset.url, `bytes=0-${half - 1}`), await get(asset.url, `bytes=${half}-`)];
  return [
    { url: asset.url, bytes: await get(asset.url), sha256 },
    { url: content, bytes: await get(content), sha256 },
    { url: `${asset.url} in two ranges`, bytes: Buffer.concat(parts), sha256 },
  ];
}
