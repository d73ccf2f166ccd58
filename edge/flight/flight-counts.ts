import type { FlightFailure, FlightRecord } from './flight-record.ts';
import type { Loss } from './rank.ts';
import type { Recorder } from '../stats/recorder.ts';

/** Records that a flight has begun. */
export function flightBegan({ job }: FlightRecord, recorder: Recorder): void {
  recorder.count('flightsStarted', []);
  recorder.flight(job.key, 'open');
}

/** Records the end of an open flight; that of a completed one with the time since its start. */
export function flightEnded(
  { job, createdAtMs, last }: FlightRecord,
  end: { outcome: 'completed' | 'cancelled' | 'withdrawn' } | { outcome: 'failed'; failure: FlightFailure },
  recorder: Recorder,
): void {
  recorder.count('flightsEnded', [end.outcome]);
  recorder.flight(job.key, 'ended');
  if (end.outcome === 'completed') recorder.latency('miss', Math.max(0, Date.now() - createdAtMs));
  if (end.outcome === 'failed') {
    recorder.failure({ ...end.failure, cause: null, key: job.key, originId: last?.id ?? null });
  }
}

/** Records that an origin lost a job, or may have. */
export function jobLost({ job }: FlightRecord, { id, loss }: { id: string; loss: Loss }, recorder: Recorder): void {
  recorder.count('jobsLost', [loss]);
  const message = `Origin ${id} lost a job.`;
  recorder.failure({ code: 'job_lost', message, cause: loss, key: job.key, originId: id });
}
