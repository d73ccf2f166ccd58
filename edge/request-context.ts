import { readTrace, type Trace } from '../contract/trace.ts';
import type { MeshOutcome } from './http/cache-status.ts';
import type { Background, TierName } from './store/tiers.ts';

/** What the edge knows of one request from its arrival to its answer. The handler fills in what it finds out. */
export type RequestContext = {
  readonly request: Request;
  /** When the request came, in milliseconds on the clock of `performance.now()`. */
  readonly beganAtMs: number;
  readonly trace: Trace;
  /** Keeps work alive that goes on after the answer. */
  readonly background: Background;
  /** The pattern of its route, by which it is counted. No client can make up new ones. */
  route: string;
  /** Whether the scripts of every web page may read the answer. */
  isOpen: boolean;
  /** Whether the answer has the headers already that every answer has, except those that differ by request. */
  hasStandingHeaders: boolean;
  /** The tenant whose usage this request counts as; null where nobody's does. */
  tenant: string | null;
  /** What the cache did for a request that asked for a mesh; null for other requests. */
  mesh: MeshOutcome | null;
  /**
   * The asset that the answer is about: where it was (`none`: there is no such asset), and how many bytes of it the answer
   * brings. Null for answers about no asset.
   */
  asset: { tier: TierName | 'none'; sentBytes: number | null } | null;
  /** Headers that a mesh object carries, or the error in its place. */
  readonly headers: Record<string, string>;
  /** What the handler threw; null where it gave an answer. */
  error: unknown;
};

/** The context of a request that has just come. */
export function beginRequest(
  request: Request,
  background: Background,
  { route, isOpen }: { route: string; isOpen: boolean },
): RequestContext {
  return {
    request,
    beganAtMs: performance.now(),
    trace: traceOf(request.headers),
    background,
    route,
    isOpen,
    hasStandingHeaders: false,
    tenant: null,
    mesh: null,
    asset: null,
    headers: {},
    error: null,
  };
}

/** The trace that a request is part of. It has a fresh id where the client sent no well-formed one. */
export function traceOf(headers: Headers): Trace {
  const { requestId: asked, traceparent } = readTrace((name) => headers.get(name) ?? undefined);
  return { requestId: asked ?? `req_${crypto.randomUUID()}`, ...(traceparent !== null && { traceparent }) };
}
