import { setTimeout as sleep } from 'node:timers/promises';
import { MeshObject } from '../contract/mesh.ts';
import type { EdgeCalls } from './edge-calls.ts';
import { backoffMs } from './retry.ts';
import { serverSentEvents, SilentStream } from './server-sent-events.ts';

/** Streams in a row that broke before they told anything. */
const brokenStreamsMax = 3;

/** Events cannot be had here, for instance since a proxy on the way keeps streams back; polling may work. */
export class NoEvents extends Error {}

/**
 * A mesh's states as they change, the present one first, until it has ended. A stream that breaks, or falls silent for
 * `silenceMsMax`, is taken up after the last event that came. Throws NoEvents when there is no stream to be had.
 */
export async function* meshEvents(
  calls: EdgeCalls,
  id: string,
  { silenceMsMax, signal }: { silenceMsMax: number; signal: AbortSignal | undefined },
): AsyncGenerator<MeshObject> {
  let lastEventId: string | null = null;
  for (let broken = 0; broken < brokenStreamsMax; broken++) {
    if (broken > 0) await sleep(backoffMs(broken), undefined, signal ? { signal } : {});
    const headers = { accept: 'text/event-stream', ...(lastEventId !== null && { 'last-event-id': lastEventId }) };
    const answer = await calls.open(`/v1/meshes/${id}/events`, { headers, signal });
    if (answer.status === 204) return;
    if (answer.body === null || !answer.headers.get('content-type')?.startsWith('text/event-stream')) {
      throw new NoEvents('the answer is no stream of events');
    }
    try {
      for await (const event of serverSentEvents(answer.body as ReadableStream<Uint8Array>, { silenceMsMax })) {
        if (event.name !== 'mesh') continue;
        broken = 0;
        lastEventId = event.id;
        const mesh = MeshObject.parse(JSON.parse(event.data));
        yield mesh;
        if (hasEnded(mesh)) return;
      }
    } catch (error) {
      if (signal?.aborted || !isBreak(error)) throw error;
    }
  }
  throw new NoEvents(`${brokenStreamsMax} streams in a row broke before they told anything`);
}

/** Whether a mesh will not change any more. */
export function hasEnded({ status }: MeshObject): boolean {
  return status !== 'queued' && status !== 'in_progress';
}

/** A connection that broke or fell silent, and not something that is wrong with what came over it. */
function isBreak(error: unknown): boolean {
  return error instanceof SilentStream || (error instanceof TypeError && error.cause !== undefined);
}
