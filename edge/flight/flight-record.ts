import { flightLifeMsMax, isInputFailure, type Job, type JobFailure } from '../../contract/job.ts';
import type { MeshManifest, Stage } from '../../contract/mesh.ts';
import type { OutputFormat } from '../../contract/formats.ts';
import type { Budget, Refusal } from '../tenant/budget.ts';
import type { OriginStatus } from '../fleet/calls.ts';

/**
 * An origin that reports itself alive keeps a job for so long from its last word on it. Longer than an origin lets one
 * job run, since one that waits in its queue says nothing.
 */
export const leaseMs = 15 * 60_000;

/** How often a dispatched flight looks whether its origin still lives; a silent one loses its lease at once. */
export const checkMs = 10_000;

/** A flight's picture is stored within this time of its start, or the request that brought it has failed. */
export const pictureMsMax = 60_000;

/** Pause before a flight that no origin took is offered again: the first, and the longest, doubling between them. */
const backoffMsMin = 1_000;
export const backoffMsMax = 15_000;
const retryAfterMsMax = 60_000;

/** A job without its fence, which each dispatch draws anew. */
export type JobDraft = Omit<Job, 'fence'>;

/** A failure as clients hear it. */
export type FlightFailure = { code: JobFailure['code'] | 'mesh_failed' | 'taken_down'; message: string };

/** Whether every origin, at every attempt, would come to the same: by the request itself, or by a takedown. */
export function isFinal(failure: FlightFailure): boolean {
  return isInputFailure(failure) || failure.code === 'taken_down';
}

/** A job as one origin was given it: what entitles that origin, and no other, to speak of the flight. */
export type Lease = { originId: string; fence: number };

/** So many leases of one origin are kept with a flight, the newest; an earlier one no longer entitles it. */
const leasesPerOriginMax = 16;

/** Where a flight stands. Times are milliseconds since the epoch. */
export type FlightState =
  | { is: 'queued'; driveAtMs: number }
  | {
      is: 'dispatched';
      originId: string;
      /** When that origin's process started, by its reports. */
      originStartedAtSeconds: number;
      leaseEndsAtMs: number;
      checkAtMs: number;
      stage: Stage;
    }
  | { is: 'failed'; failure: FlightFailure; remembered: boolean; forgetAtMs: number }
  /** `withdrawn` is a flight that a purge ended: unlike a cancelled one it must leave no mesh behind. */
  | { is: 'cancelled' | 'withdrawn'; forgetAtMs: number };

/** What a flight has reserved of its payer's budget: the tenant that asked for its mesh first. */
export type Payment = { id: string; tenant: string };

/** The origin that had a job last: to be asked first when it only forgot the job, last when it failed it. */
export type LastOrigin = { id: string; ask: 'first' | 'last' };

/** All that a flight must not forget when its object is evicted; digests only, never image bytes. */
export type FlightRecord = {
  job: JobDraft;
  payment: Payment;
  /** Etag of the stored manifest that a refresh is to replace; null when none is stored. */
  replaces: string | null;
  createdAtMs: number;
  /** Grows with every change; starts from the clock, so that it also grows from one flight of a key to the next. */
  revision: number;
  /** Of the last dispatch; drawn from the clock for the same reason. */
  fence: number;
  /** Who was offered the job, oldest first; a lease that was given away stays, as its origin may finish yet. */
  leases: readonly Lease[];
  /** Origins that took the job and failed to finish it. */
  attempts: number;
  last: LastOrigin | null;
  /** Times in a row that no origin took the job. */
  backoffs: number;
  progress: number;
  state: FlightState;
};

/** What a flight tells its waiters. */
export type FlightView =
  | { is: 'gone' }
  | ({ revision: number; createdAtSeconds: number; model: string; outputFormat: OutputFormat; scope: string } & (
      | { is: 'queued' | 'in_progress'; stage: Stage; progress: number }
      | { is: 'failed'; failure: FlightFailure; remembered: boolean }
      | { is: 'cancelled' }
    ))
  | { is: 'completed'; manifest: MeshManifest };

/** How a request found the flight of its key. */
export type Joined =
  | { is: 'stored'; manifest: MeshManifest }
  | { is: 'refused'; failure: FlightFailure }
  | { is: 'flying'; status: 'miss' | 'joined'; flight: FlightView; budget: Budget | null }
  | { is: 'limited'; by: Refusal };

/** The record of a flight that starts now; `last` is that of the flight of its key before. */
export function startedRecord({
  job,
  payment,
  replaces,
  last,
  now,
}: Pick<FlightRecord, 'job' | 'payment' | 'replaces'> & { last: FlightRecord | null; now: number }): FlightRecord {
  return {
    job,
    payment,
    replaces,
    createdAtMs: now,
    revision: Math.max(now, (last?.revision ?? 0) + 1),
    // Another than the last flight's, so that a dispatch still on its way is not taken for this one's.
    fence: (last?.fence ?? 0) + 1,
    leases: last?.leases ?? [],
    attempts: 0,
    last: null,
    backoffs: 0,
    progress: 0,
    // Written before the first dispatch, so that a reset from here on costs a pause and no more.
    state: { is: 'queued', driveAtMs: now + checkMs },
  };
}

/** The leases with one more; the oldest of its origin goes when there are too many. */
export function withLease(leases: readonly Lease[], lease: Lease): readonly Lease[] {
  const own = leases.filter(({ originId }) => originId === lease.originId);
  const tooOld = own.length < leasesPerOriginMax ? null : own[0];
  return [...leases.filter((each) => each !== tooOld), lease];
}

/** Whether an origin was given the job of this flight with this fence. */
export function wasGiven({ leases }: FlightRecord, { originId, fence }: Lease): boolean {
  return leases.some((lease) => lease.originId === originId && lease.fence === fence);
}

/** Since when an origin has been given this job: a fence is the time at which it was drawn. */
export function givenSinceMs({ leases }: FlightRecord, originId: string): number {
  return Math.min(...leases.filter((lease) => lease.originId === originId).map(({ fence }) => fence));
}

/** The record of a flight that no origin took; null where none said when it may be offered again. */
export function backedOff(
  record: FlightRecord,
  { retryAfterSeconds, now }: { retryAfterSeconds: number | null; now: number },
): FlightRecord {
  const pauseMs = Math.min(backoffMsMax, backoffMsMin * 2 ** record.backoffs);
  const askedMs = Math.min(retryAfterMsMax, (retryAfterSeconds ?? 0) * 1000);
  const state = { is: 'queued', driveAtMs: now + Math.max(pauseMs, askedMs) } as const;
  return { ...record, backoffs: record.backoffs + 1, state };
}

/** The lesser of two pauses that may not be known. */
export function leastOf(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}

/** The state of a flight whose job an origin has had since `fromMs`. */
export function dispatchedTo(origin: OriginStatus, fromMs: number): Extract<FlightState, { is: 'dispatched' }> {
  return {
    is: 'dispatched',
    originId: origin.id,
    originStartedAtSeconds: origin.startedAtSeconds,
    leaseEndsAtMs: fromMs + leaseMs,
    checkAtMs: fromMs + checkMs,
    stage: 'queue',
  };
}

/** The public side of a record. */
export function viewOf(record: FlightRecord): FlightView {
  const { state, job, revision, createdAtMs, progress } = record;
  const { scope } = job;
  const createdAtSeconds = Math.floor(createdAtMs / 1000);
  const common = { revision, createdAtSeconds, model: job.model.id, outputFormat: job.params.output_format, scope };
  if (state.is === 'failed') {
    return { ...common, is: 'failed', failure: state.failure, remembered: state.remembered };
  }
  if (state.is === 'cancelled' || state.is === 'withdrawn') return { ...common, is: 'cancelled' };
  const stage = state.is === 'dispatched' ? state.stage : 'queue';
  return { ...common, is: stage === 'queue' ? 'queued' : 'in_progress', stage, progress };
}

/** The public side of a record for a tenant that has left the flight while others wait on. */
export function leftView(record: FlightRecord): FlightView {
  return viewOf({ ...record, state: { is: 'cancelled', forgetAtMs: 0 } });
}

/** When the object must look at this record next. */
export function dueAtMs(record: FlightRecord): number {
  const { state } = record;
  if (state.is === 'queued') return Math.min(expiresAtMs(record), state.driveAtMs);
  return state.is === 'dispatched' ? Math.min(expiresAtMs(record), state.checkAtMs) : state.forgetAtMs;
}

/** When the flight has failed if nobody has finished it. */
export function expiresAtMs(record: FlightRecord): number {
  return record.createdAtMs + flightLifeMsMax;
}

/** True while somebody may still finish the flight. */
export function isOpen(record: FlightRecord): boolean {
  return record.state.is === 'queued' || record.state.is === 'dispatched';
}

/** True where a request starts a flight: there is none, or one whose end says nothing about the next. */
export function canStart(record: FlightRecord | null): boolean {
  if (record === null) return true;
  return !isOpen(record) && !(record.state.is === 'failed' && record.state.remembered);
}
