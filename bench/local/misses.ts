import { readdir } from 'node:fs/promises';
import { emoji, emojiFolder, startMeshkiln, type Running } from '../../test/end-to-end/meshkiln.ts';
import { askAtOnce, askForMesh } from '../harness/ask.ts';
import { startBareFrontDoor } from '../harness/bare-front-door.ts';
import { atMost, exactly, type Findings } from '../harness/result.ts';
import { spread } from '../harness/spread.ts';

const misses = 20;
/** Misses before those that count: each program compiles what it runs and opens its connections. */
const missesToWarm = 3;
const overheadMsMax = 30;

const flightsOf = [1, 10, 100, 500];

/** Both programs as `npm start` runs them: what a miss costs beside the origin's own work, and how many jobs a crowd makes. */
export async function benchMisses(): Promise<Findings> {
  const running = await startMeshkiln();
  try {
    const names = (await readdir(emojiFolder)).filter((name) => /^1f4[0-9a-f]{2}\.webp$/.test(name));
    const next = () => emoji((names.shift() ?? '').replace('.webp', ''));
    const overhead = await overheads(running, next);
    const bare = await bareAnswers(await next());
    const crowds = [];
    for (const crowd of flightsOf) crowds.push(await askAtOnce(running, await next(), crowd));
    return {
      rows: [
        { case: 'a miss, end to end', ms: spread(overhead.map(({ endToEndMs }) => endToEndMs)) },
        { case: 'its work at the origin', ms: spread(overhead.map(({ originMs }) => originMs)) },
        {
          case: 'what is left: the overhead',
          ms: spread(overhead.map(({ endToEndMs, originMs }) => endToEndMs - originMs)),
        },
        { case: 'beside it: a bare Worker on its own socket', ms: spread(bare.socketMs) },
        { case: 'a bare Worker behind the front door of `wrangler dev`', ms: spread(bare.frontMs) },
        ...crowds.map(({ crowd: { requests, jobs }, ms }) => ({
          case: `${requests} identical misses at once`,
          ms: spread(ms),
          jobs,
        })),
      ],
      bounds: [
        atMost(
          'overhead of a miss, median ms',
          spread(overhead.map(({ endToEndMs, originMs }) => endToEndMs - originMs)).median,
          overheadMsMax,
        ),
        ...crowds.map(({ crowd: { requests, jobs } }) => exactly(`jobs of ${requests} identical misses`, jobs, 1)),
        exactly('crowds of which not one alone was a miss', crowds.filter(({ crowd }) => crowd.misses !== 1).length, 0),
      ],
    };
  } finally {
    await running.close();
  }
}

/** One miss after another, each waited for: nothing else runs in either program. */
async function overheads(running: Running, next: () => Promise<Uint8Array<ArrayBuffer>>) {
  const taken: { endToEndMs: number; originMs: number }[] = [];
  for (let i = 0; i < missesToWarm + misses; i++) {
    const picture = await next();
    const startMs = performance.now();
    const mesh = await askForMesh(running, picture);
    const endToEndMs = performance.now() - startMs;
    if (mesh.cache.status !== 'miss') throw new Error(`a new picture was a ${mesh.cache.status}`);
    if (i >= missesToWarm) taken.push({ endToEndMs, originMs: mesh.timings_ms?.total ?? NaN });
  }
  return taken;
}

/** What one answer costs here with nothing of ours in it: a bare Worker is sent a form with a picture, and hashes it. */
async function bareAnswers(picture: Uint8Array<ArrayBuffer>): Promise<{ frontMs: number[]; socketMs: number[] }> {
  const bare = await startBareFrontDoor();
  const answered = async (url: string) => {
    const body = new FormData();
    body.set('image', new File([picture], 'picture'));
    const startMs = performance.now();
    await (await fetch(url, { method: 'POST', body })).text();
    return performance.now() - startMs;
  };
  const frontMs: number[] = [];
  const socketMs: number[] = [];
  try {
    for (let i = 0; i < missesToWarm + misses; i++) {
      const [front, socket] = [await answered(bare.frontUrl), await answered(bare.url)];
      if (i < missesToWarm) continue;
      frontMs.push(front);
      socketMs.push(socket);
    }
  } finally {
    await bare.close();
  }
  return { frontMs, socketMs };
}
