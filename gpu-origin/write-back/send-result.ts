import type { CallEdge, EdgeAnswer } from './edge-client.ts';
import type { OutboxEntry } from './outbox.ts';

/** What became of one attempt: the edge has it, nobody wants it (410), it will never take it, or not now. */
export type Outcome =
  | { state: 'delivered' }
  | { state: 'gone' }
  | { state: 'refused'; cause: string }
  | { state: 'retry'; cause: string; afterMs: number | null };

/** Answers that another attempt would get again. */
const permanentStatuses = [400, 409, 411, 413, 422];

/** A blob, and the job that it was made in. */
export type JobBlob = Pick<OutboxEntry, 'key' | 'scope'> & Pick<OutboxEntry['blobs'][number], 'sha256' | 'mediaType'>;

/** Sends a blob, before the result that names it; rejects when the edge does not answer. */
export async function sendBlob(
  { key, scope, sha256, mediaType }: JobBlob,
  body: Uint8Array,
  callEdge: CallEdge,
): Promise<Outcome> {
  // The edge keeps a private result's blobs apart, under the key that they belong to.
  const path = `/origin/blobs/${sha256}${scope === 'shared' ? '' : `?key=${key}`}`;
  return outcomeOf(await callEdge({ method: 'PUT', path, body, mediaType }));
}

/** Sends a result whose blobs the edge has; rejects when the edge does not answer. */
export async function sendResult({ key, result }: OutboxEntry, callEdge: CallEdge): Promise<Outcome> {
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
