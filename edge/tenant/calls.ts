import type { Job } from '../../contract/job.ts';
import type { OutputFormat } from '../../contract/formats.ts';
import type { Objects } from '../objects.ts';
import type { BatchId } from '../stats/batcher.ts';
import type { Account, Payer, Refusal, Reservation } from './budget.ts';
import type { OwnLimits } from './ledger.ts';
import type { MissLimits } from './limit-settings.ts';
import type { UsageCounts, UsageDay } from './usage-counts.ts';

/** A mesh that a tenant asked for, as its list has it. */
export type ListedMesh = {
  key: string;
  /** When this tenant first asked for it; the mesh itself may be older. */
  createdAtSeconds: number;
  model: string;
  outputFormat: OutputFormat;
  scope: 'shared' | 'private';
  metadata: Record<string, string>;
};

/** What a tenant keeps of one answered request. */
export type TenantNote = {
  mesh: Omit<ListedMesh, 'createdAtSeconds'>;
  /** Digest of the sent picture. Null for a prompt. */
  imageSha256: string | null;
};

export type ListOptions = { limit: number; order: 'asc' | 'desc'; afterKey: string | null };

/** A page of a tenant's meshes; null when `afterKey` is none of them. */
export type ListPage = { meshes: ListedMesh[]; hasMore: boolean } | null;

/** The job of the first request with an idempotency key. */
export type ClaimedJob = Omit<Job, 'fence' | 'imageBytes' | 'trace'>;

/** How a request found its idempotency key. */
export type Claim =
  | { is: 'new' }
  | { is: 'repeat'; plan: ClaimedJob; refreshed: boolean }
  | { is: 'taken' }
  | { is: 'full' };

/** The Tenant objects, each by its tenant's name. */
export type TenantObjects = Objects<TenantCalls>;

/** The calls of a Tenant object. */
export type TenantCalls = {
  /** Puts a mesh on the list, and its picture among the known ones. New metadata replaces the old. */
  note(note: TenantNote): void;

  /** Whether this tenant has sent this picture itself. */
  knowsImage(sha256: string): boolean;

  /** The list's entry of a mesh, or null. */
  listed(key: string): ListedMesh | null;

  /** A page of the list in the order in which its meshes were first asked for. */
  list(options: ListOptions): ListPage;

  /** Removes a mesh from the list. False if it was not on it. */
  forget(key: string): boolean;

  /** Gives an idempotency key to a request, or tells whose it is. */
  claim(claim: { name: string; fingerprint: string; plan: ClaimedJob }): Claim;

  /** Records that the refresh under an idempotency key has its flight, so that a repeat starts no other. */
  noteRefreshed(name: string): void;

  /** Reserves GPU time for a flight that is about to start. */
  reserve(flight: { id: string; tenant: string; flight: string; account: Account | null }): Reservation;

  /** Why a flight could not be paid for now. Null if it could, or already is. Reserves nothing. */
  refusal(miss: Payer & { flight: string }): Refusal | null;

  /** Charges a flight's cost, or releases its reserve if null. A repeat changes nothing. */
  settle(cost: { id: string; gpuMs: number | null }): void;

  /** Adds what an isolate recorded for this tenant. A repeated batch changes nothing. */
  takeUsage(batch: { counts: UsageCounts; atMs: number; id: BatchId }): void;

  /** The days of a range with any use, oldest first. */
  usage(range: { from: string; to: string }): UsageDay[];

  /** This tenant's limits. The caller gives the tenant's name. */
  limits(tenant: string): MissLimits;

  /** Sets limits for this tenant. Null means the limit that every tenant has. */
  setLimits(limits: OwnLimits): void;
};
