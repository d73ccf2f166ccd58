import type { Job } from '../../contract/job.ts';

/** A job that was accepted and has not ended. The same key sent again raises the job's fence. */
export type LiveJob = {
  job: Job;
  acceptedAtMs: number;
  /** How often work on it began, counting processes that died of it. */
  starts: number;
  state: 'queued' | 'running';
  /** Aborted with `cancelled` when nobody wants the job, with `stopping` when it stays spooled for the next process. */
  readonly controller: AbortController;
};

/** A job that waits, as it comes from the edge or from the spool. */
export function liveJob(from: { job: Job; acceptedAtMs: number; starts: number }): LiveJob {
  return { ...from, state: 'queued', controller: new AbortController() };
}
