import type { JobResult } from '../../contract/job.ts';
import type { CallEdge, EdgeAnswer } from './edge-client.ts';
import type { Outcome } from './outcome.ts';
import type { Shipment, ShippedFile } from './shipment.ts';

/** Answers that another attempt would get again. */
const permanentStatuses = [400, 409, 411, 413, 422];

/** A blob, and the job that it was made in. */
export type JobBlob = Pick<Shipment, 'key' | 'scope'> & Pick<ShippedFile, 'sha256' | 'mediaType'>;

/** The bytes of a blob, and their digest if they never left memory: what a disk gave is hashed again. */
type BlobBody = { body: Uint8Array; bodySha256?: string };

/** Sends a blob, before the result that names it; rejects when the edge does not answer. */
export async function sendBlob(
  { key, scope, sha256, mediaType }: JobBlob,
  sent: BlobBody,
  callEdge: CallEdge,
): Promise<Outcome> {
  // The edge keeps a private result's blobs apart, under the key that they belong to.
  const path = `/origin/blobs/${sha256}${scope === 'shared' ? '' : `?key=${key}`}`;
  return outcomeOf(await callEdge({ method: 'PUT', path, mediaType, ...sent }));
}

/**
 * Sends a result whose blobs are at the edge. `thumbnail` is the one blob that may go inside the result (null: none does).
 * Rejects when the edge does not answer. An edge older than this origin refuses a result that carries a thumbnail: it is
 * then sent the thumbnail by itself.
 */
export async function sendResult(
  shipment: Shipment,
  thumbnail: Uint8Array | null,
  callEdge: CallEdge,
): Promise<Outcome> {
  const { key, scope, result } = shipment;
  if (thumbnail === null || result.outcome === 'failed') return putResult(key, result, callEdge);
  const carrying = { ...result, thumbnail: Buffer.from(thumbnail).toString('base64') };
  const outcome = await putResult(key, carrying, callEdge);
  const blob = result.manifest.thumbnail;
  if (outcome.state !== 'refused' || blob === null) return outcome;
  const sent = await sendBlob({ key, scope, ...blob }, { body: thumbnail }, callEdge);
  return sent.state === 'delivered' ? putResult(key, result, callEdge) : sent;
}

async function putResult(key: string, result: JobResult, callEdge: CallEdge): Promise<Outcome> {
  const body = new TextEncoder().encode(JSON.stringify(result));
  const path = `/origin/results/${key}`;
  return outcomeOf(await callEdge({ method: 'PUT', path, body, mediaType: 'application/json' }));
}

function outcomeOf({ status, bytes, retryAfterMs }: EdgeAnswer): Outcome {
  if (status >= 200 && status < 300) return { state: 'delivered' };
  if (status === 410) return { state: 'gone' };
  const cause = `${status} ${new TextDecoder().decode(bytes.subarray(0, 300))}`.trim();
  if (permanentStatuses.includes(status)) return { state: 'refused', cause };
  return { state: 'retry', cause, afterMs: retryAfterMs };
}
