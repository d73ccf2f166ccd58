import { Problem, problems, type ProblemCode } from '../../contract/problem.ts';
import type { MeshOutcome } from '../http/cache-status.ts';
import type { RequestContext } from '../request-context.ts';
import type { Recorder } from './recorder.ts';

const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS']);

/** Counts an answer, by what the context of its request says. */
export function recordAnswer({ status }: Response, context: RequestContext, recorder: Recorder): void {
  const { request, route, mesh, asset } = context;
  const method = methods.has(request.method) ? request.method : 'other';
  recorder.count('requests', [method, route, String(status)]);
  // A probe of /readyz is told how things stand; that is no error.
  if (status >= 400 && route !== '/readyz') recordError(status, context, recorder);
  if (mesh !== null) recordMesh(mesh, performance.now() - context.beganAtMs, recorder);
  if (asset === null) return;
  recorder.count('assets', [asset.tier, String(status)]);
  if (asset.sentBytes !== null) recorder.count('assetBytes', [asset.tier], asset.sentBytes);
}

/** Counts an answer about a mesh that was asked for, which took so many milliseconds. */
function recordMesh(outcome: MeshOutcome, ms: number, recorder: Recorder): void {
  if (outcome.status !== 'hit') return recorder.count('meshes', [outcome.status, 'none']);
  recorder.count('meshes', ['hit', outcome.tier]);
  recorder.count('savedGpuMs', [], outcome.saved_gpu_ms);
  recorder.latency('hit', ms);
}

function recordError(status: number, { request, route, error }: RequestContext, recorder: Recorder): void {
  const code = error === null ? codeOfStatus(status) : codeOf(error);
  recorder.count('errors', [code]);
  if (code !== 'internal_error') return;
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const message = `${request.method} ${route} failed.`;
  recorder.failure({ code, message, cause: String(cause), key: null, originId: null });
}

function codeOf(error: unknown): ProblemCode {
  return error instanceof Problem ? error.code : 'internal_error';
}

/** The code of an answer that was refused without a throw: the first with this status. */
function codeOfStatus(status: number): string {
  return Object.entries(problems).find(([, problem]) => problem.status === status)?.[0] ?? 'other';
}
