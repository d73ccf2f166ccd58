import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { freePort } from '../../local/free-port.ts';
import { childrenOf } from '../../test/end-to-end/meshkiln.ts';
import { openHeap, type Heap } from '../../test/heap.ts';
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
const inspectorSecondsMax = 10;
/** Worker threads collect their garbage meanwhile, and V8 hands the pages back. */
const collectMs = 300;

/**
 * Resident memory and descriptors of the origin and its GPU process over 1,000 jobs. The origin's garbage is collected
 * before its memory is read: how much of it lies about at a given moment changes from one run to the next by more than
 * the bound allows.
 */
export async function benchSoak(): Promise<Findings> {
  const inspectorPort = await freePort();
  const origin = await startBenchOrigin((folder) => writeFieldModel(folder, { layers: 1 }), {
    NODE_OPTIONS: `--inspect-port=127.0.0.1:${inspectorPort}`,
  });
  try {
    const heap = await openHeap(await inspectorOf(origin, inspectorPort));
    const rows: (Awaited<ReturnType<typeof holdings>> & { jobs: number })[] = [];
    for (let done = 0; done < jobs;) {
      await Promise.all(Array.from({ length: group }, () => sendAccepted(origin)));
      done += group;
      await origin.until(() => origin.peer.results.size === done, groupSecondsMax);
      origin.dropBytes();
      if (done % jobsToSettle === 0) rows.push({ jobs: done, ...(await holdings(origin, heap)) });
    }
    heap.close();
    const [settled] = rows;
    const last = rows.at(-1);
    if (settled === undefined || last === undefined) throw new Error('no job was done; this is a bug');
    const outcomes = [...origin.peer.results.values()].flat().map(({ outcome }) => outcome);
    return {
      rows,
      bounds: [
        exactly('jobs completed', outcomes.filter((outcome) => outcome === 'completed').length, jobs),
        atMost(
          `resident memory, garbage left out, after the last job / after job ${jobsToSettle}`,
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

/** Has Node start the inspector, which it does on this signal, and waits for it. */
async function inspectorOf({ pid, until }: BenchOrigin, port: number): Promise<URL> {
  process.kill(pid, 'SIGUSR1');
  let list: unknown;
  await until(async () => {
    list = await fetch(`http://127.0.0.1:${port}/json/list`).then(
      (answer) => answer.json(),
      () => undefined,
    );
    return list !== undefined;
  }, inspectorSecondsMax);
  const [{ webSocketDebuggerUrl }] = z.tuple([z.object({ webSocketDebuggerUrl: z.string() })]).parse(list);
  return new URL(webSocketDebuggerUrl);
}

/** What the origin's processes hold now, as the kernel and V8 have it. */
async function holdings({ pid }: BenchOrigin, heap: Heap) {
  const withGarbageMiB = await residentMiB(pid);
  const heapMiB = (await heap.usedBytes()) / 2 ** 20;
  await sleep(collectMs);
  const children = await childrenOf(pid, 'gpu-process');
  const [parent, ...lanes] = await Promise.all([pid, ...children].map(residentMiB));
  const descriptors = await Promise.all(
    [pid, ...children].map(async (each) => (await readdir(`/proc/${each}/fd`)).length),
  );
  const lanesMiB = lanes.reduce((sum, mib) => sum + mib, 0);
  return {
    withGarbageMiB,
    heapMiB,
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
