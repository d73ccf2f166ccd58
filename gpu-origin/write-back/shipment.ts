import { z } from 'zod';
import { Sha256 } from '../../contract/digest.ts';
import { JobResult, carriedThumbnailBytesMax } from '../../contract/job.ts';
import { Trace } from '../../contract/trace.ts';
import type { Outcome } from './outcome.ts';

/** A file of a result: its digest, length and media type. */
const FileRecord = z.strictObject({ sha256: Sha256, bytes: z.number().int(), mediaType: z.string() });

/** A shipment as the outbox keeps it on disk, beside its files. */
export const ShipmentRecord = z.strictObject({
  key: Sha256,
  /** `shared`, or the tenant whose private result this is. */
  scope: z.string(),
  result: JobResult,
  blobs: z.array(FileRecord),
  finishedAtMs: z.number(),
  trace: Trace.optional(),
});
export type ShipmentRecord = z.infer<typeof ShipmentRecord>;

/** One file of a result on its way to the edge. */
export type ShippedFile = z.infer<typeof FileRecord> & {
  /** Its bytes; null once the outbox has them on disk. */
  content: Uint8Array | null;
  /** Its upload, where it began before the result was made. */
  upload: Promise<Outcome> | null;
};

/**
 * A finished job on its way to the edge: its result, which carries the job's fence, and its files. It is never changed: a
 * result with another fence is another shipment, whose files are sent anew.
 */
export type Shipment = Omit<ShipmentRecord, 'blobs'> & {
  files: readonly ShippedFile[];
  /** The result that was sent at once, until its outcome is known; null inside for one that got no answer. */
  attempt: Promise<Outcome | null> | null;
};

/** What the outbox writes of a shipment. */
export function recordOf({ key, scope, result, files, finishedAtMs, trace }: Shipment): ShipmentRecord {
  const blobs = files.map(({ sha256, bytes, mediaType }) => ({ sha256, bytes, mediaType }));
  return { key, scope, result, blobs, finishedAtMs, ...(trace && { trace }) };
}

/** The shipment of a record, whose files are on disk and of which nothing has been sent. */
export function shipmentOf({ blobs, ...record }: ShipmentRecord): Shipment {
  return { ...record, files: blobs.map((file) => ({ ...file, content: null, upload: null })), attempt: null };
}

/** The same files under another result. What was sent ahead of the old one may be gone by now: all is sent anew. */
export function withResult(shipment: Shipment, result: JobResult): Shipment {
  return { ...shipment, result, files: shipment.files.map((file) => ({ ...file, upload: null })), attempt: null };
}

/** True for a thumbnail that is small enough to go inside the result. */
export function isCarried({ result }: Shipment, { sha256, bytes }: ShippedFile): boolean {
  if (result.outcome !== 'completed' || bytes > carriedThumbnailBytesMax) return false;
  return sha256 === result.manifest.thumbnail?.sha256;
}
