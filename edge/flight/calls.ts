import type { JobProgress } from '../../contract/job.ts';
import type { MeshManifest } from '../../contract/mesh.ts';
import type { Objects } from '../objects.ts';
import type { Payer } from '../tenant/budget.ts';
import type { Picture } from './carried-picture.ts';
import type { FlightFailure, FlightView, JobDraft, Joined, Lease } from './flight-record.ts';

/** The longest that one call of `wait` is held; callers call again. */
export const waitMsMax = 20_000;

/** A job, who pays for it, and its picture where that is small and not stored yet. */
export type JoinOptions = { job: JobDraft; payer: Payer; picture: Picture | null };

/** The job that a result would end, and since when the origin that sent it has been given it. */
export type OpenJob = { is: 'open'; job: JobDraft; replaces: string | null; givenSinceMs: number };

/** The Flight objects, each by its request key. */
export type Flights = Objects<FlightCalls>;

/** The calls of a Flight object. */
export type FlightCalls = {
  /**
   * Joins a tenant to the flight of this job; starts the flight when there is none, for which that tenant pays. `picture`
   * is what the first origin is sent, while the caller stores it; null where it is stored. The flight is promised to
   * nobody before it was announced.
   */
  join(options: JoinOptions): Promise<Joined>;

  /**
   * Joins a tenant to the flight of this job, which puts a new mesh in the place of what is stored; starts it when
   * there is none, a remembered failure notwithstanding. Otherwise as `join`.
   */
  refresh(options: JoinOptions): Promise<Joined>;

  /** Lets a purge find the flight, if it has not ended; requests that come meanwhile share the one write. */
  announce(): Promise<void>;

  /** The flight as it stands; asking for an unknown one stores nothing. */
  peek(): FlightView;

  /** Holds the call until the flight has changed from this revision, or `waitMs` (at most `waitMsMax`) have passed. */
  wait(until: { revision: number; waitMs: number }): Promise<FlightView>;

  /** Whether this payment is that of a flight which is still open. */
  isPaidBy(paymentId: string): boolean;

  /** As `peek`; an open flight tells the tenant's webhooks when it ends. Whoever asks must not rely on being told. */
  watch(tenant: string): FlightView;

  /**
   * The job that a result would end and the etag of what the result replaces; `gone` when nobody waits for it. A lease
   * that was given away entitles its origin still; `not_leased` is one that this origin never had.
   */
  openJob(lease: Lease): OpenJob | { is: 'gone' } | { is: 'not_leased' };

  /** Ends the flight with the canonical manifest, which is stored; says what had ended it meanwhile, if anything. */
  finish(manifest: MeshManifest): Promise<'cancelled' | 'withdrawn' | null>;

  /** Ends the flight for a purge, whoever waits: a result that comes later is refused. False when there is none. */
  withdraw(): boolean;

  /** Takes an origin's word that the job failed for good; one whose lease was given away is heard on what is final. */
  fail(failed: { lease: Lease; failure: FlightFailure }): void;

  /** Notes an origin's progress and renews its lease; `gone` when nobody waits for the job any more. */
  progress(originId: string, progress: JobProgress): 'noted' | 'gone' | 'not_leased';

  /**
   * Takes a job back from an origin that is going to end, and gives it to another at once. `kept` when no other can take
   * it, so that the origin is to do it after its restart; `gone` when nobody waits.
   */
  giveBack(lease: Lease): Promise<'taken' | 'kept' | 'gone' | 'not_leased'>;

  /** A tenant leaves; with the last of them the flight is cancelled, here and at its origin. */
  leave(tenant: string): FlightView;
};
