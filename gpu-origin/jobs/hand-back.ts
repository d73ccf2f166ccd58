import { JobReturned, type JobReturn } from '../../contract/job.ts';
import { causeText, log } from '../log.ts';
import type { OriginSeries } from '../metrics/series.ts';
import type { CallEdge } from '../write-back/edge-client.ts';
import type { LiveJob } from './live-job.ts';
import type { JobQueue } from './queue.ts';
import type { Spool } from './spool.ts';

/** Time for the edge to say whether it takes a job back. */
const answerSecondsMax = 5;

type HandBackOptions = {
  live: Map<string, LiveJob>;
  queue: JobQueue;
  spool: Spool;
  series: OriginSeries;
  callEdge: CallEdge;
};

/**
 * Offers jobs that do not run to the edge, all at once, and forgets those that another origin gets or nobody wants. The
 * others stay in the spool for this origin's next process, as do all when the edge cannot be reached.
 */
export async function handBack(jobs: readonly LiveJob[], options: HandBackOptions): Promise<void> {
  const { live, queue, spool, series, callEdge } = options;
  let returned = 0;
  const offer = async (job: LiveJob) => {
    const { key } = job.job;
    if (live.get(key) !== job || !(await takesBack(job, callEdge))) return;
    live.delete(key);
    job.end('returned');
    queue.remove(job);
    await spool.remove(key);
    series.jobs.inc({ outcome: 'returned' });
    returned += 1;
  };
  await Promise.all(jobs.map(offer));
  if (jobs.length > 0) log('jobs handed back', { returned, kept: jobs.length - returned });
}

async function takesBack({ job: { key, fence } }: LiveJob, callEdge: CallEdge): Promise<boolean> {
  try {
    const { status, bytes } = await callEdge({
      method: 'POST',
      path: `/origin/returns/${key}`,
      body: new TextEncoder().encode(JSON.stringify({ fence } satisfies JobReturn)),
      mediaType: 'application/json',
      secondsMax: answerSecondsMax,
    });
    if (status === 410) return true;
    return status === 200 && JobReturned.parse(JSON.parse(new TextDecoder().decode(bytes))).taken;
  } catch (error) {
    log('job not handed back', { key, cause: causeText(error) });
    return false;
  }
}
