import type { Trace } from '../contract/trace.ts';
import type { Caller } from './access/auth.ts';
import type { Accepted } from './routes/accept-mesh.ts';

/**
 * What was done of a `POST /v1/meshes` before the router had it, which goes on from there: no request is counted, read
 * or traced twice. What was refused is refused there again, by the same promise.
 */
export type Begun = { atMs: number; trace: Trace; caller: Promise<Caller>; accepted: Promise<Accepted> };

/** Where the router finds it. */
export type MayBeBegun = { Bindings: { begun?: Begun } };
