import type { MeshRequest } from '../../contract/request.ts';
import { outputFormats } from '../../contract/formats.ts';
import type { Trace } from '../../contract/trace.ts';
import { ownTenant, type Caller } from '../access/auth.ts';
import { negotiate } from '../http/accept.ts';
import { readIdempotencyKey } from '../http/idempotency-key.ts';
import type { Budget } from '../tenant/budget.ts';
import type { MeshMaker } from '../meshes/mesh-maker.ts';
import type { MeshState } from '../meshes/mesh-state.ts';
import type { Outside } from '../outside/outside.ts';
import { parseMeshBody, readMeshBody, type MeshBody } from '../request/mesh-request.ts';

export type AcceptOptions = {
  maker: MeshMaker;
  /** Where pictures are fetched that are given by their URLs. */
  outside: Outside;
};

/** A request that was understood, and where its mesh stands; without the picture's bytes, which no wait need hold. */
export type Accepted = { request: MeshRequest; format: 'json' | 'bytes'; state: MeshState; budget: Budget | null };

/** Reads a `POST /v1/meshes` and finds its mesh or has it made; throws the Problem that says why not. */
export async function acceptMesh(request: Request, by: Asking, options: AcceptOptions): Promise<Accepted> {
  return acceptBody({ headers: request.headers, body: await readMeshBody(request) }, by, options);
}

type Asking = { caller: Caller; trace: Trace };

/** As `acceptMesh`, of a request whose body was read. */
export async function acceptBody(
  { headers, body }: { headers: Headers; body: MeshBody },
  { caller, trace }: Asking,
  { maker, outside }: AcceptOptions,
): Promise<Accepted> {
  const name = readIdempotencyKey(headers.get('idempotency-key'));
  const posted = await parseMeshBody(body, outside);
  const { request } = posted;
  const format = negotiate(headers.get('accept'), outputFormats[request.output_format].mediaType);
  if (request.webhook_url !== undefined) ownTenant(caller);
  const { state, budget } = await maker.make(posted, { caller, name, trace });
  return { request, format, state, budget };
}
