import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import { meshObject, type MeshContext } from '../meshes/mesh-object.ts';
import type { MeshState } from '../meshes/mesh-state.ts';
import { isFlying, type Meshes } from '../meshes/meshes.ts';

/** The longest silence on a stream, so that no proxy on the way takes it for dead. */
const heartbeatMs = 15_000;

/** The longest life of one stream; a client whose mesh is not done by then connects again by itself. */
const streamMsMax = 15 * 60_000;

/**
 * Tells a mesh's states as server-sent events until it has ended. A client that comes back with the id of the last
 * event it saw is spared that one; if it was the end, 204 tells an EventSource to come back no more (HTML §9.2.3).
 */
export async function meshEvents(
  c: Context,
  state: MeshState,
  { meshes, context }: { meshes: Meshes; context: MeshContext },
): Promise<Response> {
  const seenId = c.req.header('last-event-id') ?? null;
  if (seenId === eventId(state) && !isOpen(state)) return c.body(null, 204);
  const response = streamSSE(c, async (stream) => {
    const untilMs = Date.now() + streamMsMax;
    let toldId = seenId;
    let current = state;
    while (!stream.aborted) {
      const id = eventId(current);
      if (id === toldId) await stream.write(': still there\n\n');
      else await stream.writeSSE({ event: 'mesh', id, data: JSON.stringify(await meshObject(current, context)) });
      toldId = id;
      if (!isOpen(current) || Date.now() >= untilMs) return;
      current = await meshes.change(current, heartbeatMs);
    }
  });
  response.headers.set('cache-control', 'no-store'); // in the place of streamSSE's no-cache, which lets a cache keep it
  return response;
}

function isOpen(state: MeshState): state is MeshState & { is: 'flying' } {
  return state.is === 'flying' && isFlying(state.flight);
}

/** The flight's revision, which grows; of a finished mesh, whose flight is gone, its bytes. */
function eventId(state: MeshState): string {
  if (state.is === 'refused') throw new Error('only a POST is refused; this is a bug');
  return state.is === 'flying' ? String(state.flight.revision) : state.manifest.asset.sha256;
}
