import { setTimeout as sleep } from 'node:timers/promises';
import { childrenOf } from '../../test/end-to-end/meshkiln.ts';
import { atLeast, exactly, type Findings } from '../harness/result.ts';
import { writeFieldModel } from './field-model.ts';
import { startBenchOrigin } from './origin.ts';

const jobs = 200;
const killEveryMs = 2000;
const secondsMax = 400;
/** Fewer kills than this would show little. */
const killsMin = 5;

/** What becomes of 200 jobs while their GPU process is killed every 2 s: each must end once, and nothing be written twice. */
export async function benchKills(): Promise<Findings> {
  const origin = await startBenchOrigin((folder) => writeFieldModel(folder, { layers: 5 }));
  const ended = new AbortController();
  let kills = 0;
  const killing = (async () => {
    while (!ended.signal.aborted) {
      await sleep(killEveryMs);
      // One that ends by itself in this moment is not found.
      for (const child of await childrenOf(origin.pid, 'gpu-process').catch(() => [])) {
        if (endsProcess(child)) kills += 1;
      }
    }
  })();
  try {
    const sent = await Promise.all(Array.from({ length: jobs }, () => origin.send()));
    const accepted = sent.filter(({ answer }) => answer.status === 202).map(({ key }) => key);
    await origin.until(() => accepted.every((key) => origin.peer.result(key) !== null), secondsMax);
    ended.abort();
    await killing;
    const results = accepted.map((key) => origin.peer.results.get(key) ?? []);
    const outcomes = results.flat();
    const failed = outcomes.filter(({ outcome }) => outcome === 'failed');
    const counted = {
      accepted: accepted.length,
      kills,
      completed: outcomes.filter(({ outcome }) => outcome === 'completed').length,
      failed: failed.length,
    };
    return {
      rows: [counted],
      bounds: [
        exactly('jobs accepted', counted.accepted, jobs),
        exactly('jobs with exactly one result', results.filter(({ length }) => length === 1).length, jobs),
        exactly('jobs completed', counted.completed, jobs),
        atLeast('kills', kills, killsMin),
      ],
    };
  } finally {
    ended.abort();
    await killing;
    await origin.close();
  }
}

/** False where the process had ended by itself just now. */
function endsProcess(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}
