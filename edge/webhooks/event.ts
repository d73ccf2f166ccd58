import { goneObject, meshObject, type MeshContext } from '../meshes/mesh-object.ts';
import type { MeshObject } from '../../contract/mesh.ts';
import type { MeshState } from '../meshes/mesh-state.ts';
import type { ListedMesh } from '../tenant/calls.ts';

/** How a mesh ended, as an event says it. */
export type EventType = 'mesh.completed' | 'mesh.failed' | 'mesh.cancelled';

export type MeshEvent = { type: EventType; body: string };

/** The event of a mesh that has ended; null while it has not. */
export async function eventOf(state: MeshState, context: MeshContext): Promise<MeshEvent | null> {
  const mesh = await meshObject(state, context);
  const { status } = mesh;
  return status === 'queued' || status === 'in_progress' ? null : event(`mesh.${status}`, mesh);
}

/** The event of a mesh whose end is unknown: flight and mesh are both gone. */
export function lostEvent(listed: ListedMesh): MeshEvent {
  return event('mesh.failed', goneObject(listed));
}

/** The body in the format of Standard Webhooks, kept as text so that every attempt sends the same bytes. */
function event(type: EventType, data: MeshObject): MeshEvent {
  return { type, body: JSON.stringify({ type, timestamp: new Date().toISOString(), data }) };
}
