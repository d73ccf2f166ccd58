import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startEdgePeer } from '../../test/gpu-origin/support/edge-peer.ts';
import { known, startOriginProcess, type OriginProcess } from '../../test/gpu-origin/support/origin-process.ts';
import { disc, jobFor, sendJob } from '../../test/gpu-origin/support/send-job.ts';

const pollMs = 20;

type ModelOfJobs = { id: string; digest: string };

/** What every job of a bench asks for: the least that is a mesh. */
const params = {
  output_format: 'stl',
  remove_background: 'auto',
  foreground_ratio: 0.85,
  target_face_count: null,
  largest_dimension_mm: 100,
} as const;

/**
 * Starts an origin in a process of its own, with its models from `write`, and a peer in this process that takes what it
 * writes back and keeps no surface, so that every job reaches its model.
 */
export async function startBenchOrigin(
  write: (folder: string) => Promise<ModelOfJobs>,
  environment: Record<string, string> = {},
) {
  const folder = await mkdtemp(join(tmpdir(), 'meshkiln-bench-'));
  const peer = await startEdgePeer(known);
  peer.keepsGeometry = false;
  let origin: OriginProcess | null = null;
  const close = async () => {
    await origin?.kill('SIGKILL');
    await peer.close();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const model = await write(join(folder, 'models'));
    origin = await startOriginProcess({
      EDGE_URL: peer.url,
      ORIGIN_STATE: join(folder, 'state'),
      MODELS_DIR: join(folder, 'models'),
      GEOMETRY_CACHE_BYTES_MAX: '0',
      INFERENCE_THREADS: '1',
      KERNEL_THREADS: '1',
      ...environment,
    });
    await origin.until('ready');
    return { ...(await used(origin, { peer, model })), close };
  } catch (error) {
    await close();
    throw error;
  }
}

type Peer = Awaited<ReturnType<typeof startEdgePeer>>;

/** What a bench does with an origin that is ready, and reads of it. */
async function used(origin: OriginProcess, { peer, model }: { peer: Peer; model: ModelOfJobs }) {
  const image = await disc();
  const metrics = async () => (await fetch(`${origin.url}/metrics`)).text();
  return {
    url: origin.url,
    pid: origin.pid ?? NaN,
    peer,
    /** Sends a new job; gives its key with the answer. */
    send: async () => {
      const job = jobFor(image, { model, params });
      return { key: job.key, job, answer: await sendJob(origin.url, job, image) };
    },
    /** Sends a job once more. */
    sendAgain: (job: ReturnType<typeof jobFor>) => sendJob(origin.url, job, image),
    /** Sum of a series over its labels, as the origin's metrics have it now; 0 for one that is not there yet. */
    metric: async (name: string) => sumOf(await metrics(), name),
    /** Waits until a condition holds, looking again and again; throws when it takes too long. */
    until: async (holds: () => boolean | Promise<boolean>, secondsMax: number) => {
      const deadline = Date.now() + secondsMax * 1000;
      while (!(await holds())) {
        if (Date.now() > deadline) throw new Error(`this took more than ${secondsMax} s`);
        await sleep(pollMs);
      }
    },
    /** Forgets the bytes that were written back, which the peer keeps for the tests. */
    dropBytes: () => {
      peer.calls.length = 0;
      peer.progress.length = 0;
      peer.reports.length = 0;
      peer.blobs.clear();
    },
  };
}

export type BenchOrigin = Awaited<ReturnType<typeof startBenchOrigin>>;

function sumOf(text: string, name: string): number {
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}
