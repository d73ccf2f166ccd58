import { readdir, readFile } from 'node:fs/promises';
import { childrenOf } from '../../test/end-to-end/meshkiln.ts';
import { atMost, exactly, type Findings } from '../harness/result.ts';
import { writeFieldModel } from './field-model.ts';
import { startBenchOrigin, type BenchOrigin } from './origin.ts';

const jobs = 1000;
/** Jobs after which memory is what later memory is held against: every buffer has had its use by then. */
const jobsToSettle = 100;
/** Jobs that are sent together, fewer than the queue holds. */
const group = 50;
const groupSecondsMax = 120;
const growthMax = 1.1;

/** Resident memory and descriptors of the origin and its GPU process over 1,000 jobs. */
export async function benchSoak(): Promise<Findings> {
  const origin = await startBenchOrigin((folder) => writeFieldModel(folder, { layers: 1 }));
  try {
    const rows: (Awaited<ReturnType<typeof holdings>> & { jobs: number })[] = [];
    for (let done = 0; done < jobs;) {
      await Promise.all(Array.from({ length: group }, () => sendAccepted(origin)));
      done += group;
      await origin.until(() => origin.peer.results.size === done, groupSecondsMax);
      origin.dropBytes();
      if (done % jobsToSettle === 0) rows.push({ jobs: done, ...(await holdings(origin)) });
    }
    const [settled] = rows;
    const last = rows.at(-1);
    if (settled === undefined || last === undefined) throw new Error('no job was done; this is a bug');
    const outcomes = [...origin.peer.results.values()].flat().map(({ outcome }) => outcome);
    return {
      rows,
      bounds: [
        exactly('jobs completed', outcomes.filter((outcome) => outcome === 'completed').length, jobs),
        atMost(
          `resident memory after the last job / after job ${jobsToSettle}`,
          last.totalMiB / settled.totalMiB,
          growthMax,
        ),
        atMost(
          `descriptors after the last job - after job ${jobsToSettle}`,
          last.descriptors - settled.descriptors,
          // Connections that are open by chance when they are counted.
          4,
        ),
      ],
    };
  } finally {
    await origin.close();
  }
}

async function sendAccepted(origin: BenchOrigin): Promise<void> {
  const { answer } = await origin.send();
  if (answer.status !== 202) throw new Error(`a job was answered ${answer.status}: ${await answer.text()}`);
  await answer.arrayBuffer();
}

/** What the origin's processes hold now, as the kernel has it. */
async function holdings({ pid }: BenchOrigin) {
  const children = await childrenOf(pid, 'gpu-process');
  const [parent, ...lanes] = await Promise.all([pid, ...children].map(residentMiB));
  const descriptors = await Promise.all(
    [pid, ...children].map(async (each) => (await readdir(`/proc/${each}/fd`)).length),
  );
  const lanesMiB = lanes.reduce((sum, mib) => sum + mib, 0);
  return {
    parentMiB: parent ?? NaN,
    lanesMiB,
    totalMiB: (parent ?? NaN) + lanesMiB,
    descriptors: descriptors.reduce((sum, count) => sum + count, 0),
  };
}

async function residentMiB(pid: number): Promise<number> {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}
