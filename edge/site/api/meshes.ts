import { MeshObject } from '../../../contract/mesh.ts';
import { ApiError, callApi } from './call.ts';

const key = 'meshkiln-key';
const pollMs = 500;

/** What a mesh is to be made of. */
export type Subject = { is: 'picture'; file: File } | { is: 'prompt'; prompt: string };

/** The fields of a request as a form has them, less its picture or prompt. */
export type MeshFields = Readonly<Record<string, string>>;

/** Asks for a mesh of a picture, or in words; the answer may still be queued. Throws ApiError. */
export async function askForMesh(subject: Subject, fields: MeshFields, signal: AbortSignal): Promise<MeshObject> {
  const body = new FormData();
  if (subject.is === 'picture') body.set('image', subject.file);
  else body.set('prompt', subject.prompt);
  for (const [name, value] of Object.entries(fields)) body.set(name, value);
  return MeshObject.parse(await (await callApi('/v1/meshes', { key, signal, method: 'POST', body })).json());
}

/**
 * Follows a mesh until it is completed, telling each state on the way: by its events, or by asking again and again where
 * those break off. Throws ApiError when it failed or was cancelled.
 */
export async function followMesh(
  asked: MeshObject,
  { onChange, signal }: { onChange: (mesh: MeshObject) => void; signal: AbortSignal },
): Promise<MeshObject> {
  let current = asked;
  const tell = (mesh: MeshObject) => {
    // Later looks find the mesh in the cache; whether it was a hit is what the first answer said.
    current = { ...mesh, cache: { ...asked.cache, reused: mesh.cache.reused } };
    onChange(current);
  };
  if (isOpen(current)) await readEvents(asked.id, tell, signal).catch(() => signal.throwIfAborted());
  while (isOpen(current)) {
    await new Promise((resolve) => setTimeout(resolve, pollMs));
    tell(MeshObject.parse(await (await callApi(`/v1/meshes/${asked.id}`, { key, signal })).json()));
  }
  if (current.status === 'completed') return current;
  throw new ApiError(current.error?.code ?? current.status, current.error?.message ?? 'The mesh was cancelled.');
}

function isOpen({ status }: MeshObject): boolean {
  return status === 'queued' || status === 'in_progress';
}

/** Reads the stream of a mesh's events (HTML §9.2.6); an EventSource cannot send a key. */
async function readEvents(id: string, tell: (mesh: MeshObject) => void, signal: AbortSignal): Promise<void> {
  const { body } = await callApi(`/v1/meshes/${id}/events`, { key, signal });
  if (body === null) return;
  let unread = '';
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    unread += chunk.value;
    const events = unread.split('\n\n');
    unread = events.pop() ?? '';
    for (const event of events) {
      const data = /^data: (.*)$/m.exec(event)?.[1]; // a comment, which only keeps the stream alive, has none
      if (data !== undefined) tell(MeshObject.parse(JSON.parse(data)));
    }
  }
}
