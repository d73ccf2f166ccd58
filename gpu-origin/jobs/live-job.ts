import { flightLifeMsMax, type Job } from '../../contract/job.ts';

/** A job that was accepted and has not ended. The same key sent again raises the job's fence. */
export type LiveJob = {
  job: Job;
  acceptedAtMs: number;
  /** When the edge last sent it. */
  sentAtMs: number;
  /** How often work on it began, counting processes that died of it. */
  starts: number;
  state: 'queued' | 'running';
  /** Aborted with `cancelled` when nobody wants the job, with `stopping` when it stays spooled for the next process. */
  readonly controller: AbortController;
};

/** A job that waits, as it comes from the edge or from the spool. */
export function liveJob(from: {
  job: Job;
  acceptedAtMs: number;
  sentAtMs?: number | undefined;
  starts: number;
}): LiveJob {
  return { ...from, sentAtMs: from.sentAtMs ?? from.acceptedAtMs, state: 'queued', controller: new AbortController() };
}

/** True for a job whose flight has ended at the edge, whatever became of it there. */
export function isForgotten({ sentAtMs }: LiveJob, nowMs: number): boolean {
  return nowMs - sentAtMs > flightLifeMsMax;
}
