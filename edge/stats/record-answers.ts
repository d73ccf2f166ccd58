import type { Context, MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { CacheOutcome } from '../../contract/mesh.ts';
import { Problem, problems, type ProblemCode } from '../../contract/problem.ts';
import type { MayBeBegun } from '../begun.ts';
import type { TierName } from '../store/tiers.ts';
import { counterKey } from './counts.ts';
import type { Recorder } from './recorder.ts';

export type MeshOutcome = CacheOutcome | { status: 'refused' };

declare module 'hono' {
  interface ContextVariableMap {
    /** What the cache did for a request that asked for a mesh; `refused` by a remembered failure. */
    meshOutcome?: MeshOutcome;
    /** Where the asset was that the answer is about; `none` where there is none of this name. */
    assetTier?: TierName | 'none';
  }
}

const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS']);

/** Counts each answer by what its route noted in the context, after it was made; to be the outermost middleware. */
export function recordAnswers(recorder: Recorder): MiddlewareHandler<MayBeBegun> {
  return async (c, next) => {
    const beganAtMs = c.env.begun?.atMs ?? performance.now();
    await next();
    const status = String(c.res.status);
    const method = methods.has(c.req.method) ? c.req.method : 'other';
    const route = routeOf(c);
    recorder.count('requests', [method, route, status]);
    // Whoever probes is told how things stand; nobody met an error.
    if (c.res.status >= 400 && route !== '/readyz') recordError(c, recorder);
    const outcome = c.get('meshOutcome');
    if (outcome !== undefined) recordMesh(outcome, performance.now() - beganAtMs, recorder);
    const tier = c.get('assetTier');
    if (tier === undefined) return;
    const sent = c.req.method !== 'HEAD' && (status === '200' || status === '206');
    recordAsset({ tier, status, sentBytes: sent ? Number(c.res.headers.get('content-length') ?? 0) : null }, recorder);
  };
}

type AssetAnswer = { tier: TierName | 'none'; status: string; sentBytes: number | null };

/** Counts an answer about an asset; `sentBytes` is null where it brings none of it. */
function recordAsset({ tier, status, sentBytes }: AssetAnswer, recorder: Recorder): void {
  recorder.count('assets', [tier, status]);
  if (sentBytes !== null) recorder.count('assetBytes', [tier], sentBytes);
}

/** Counts an answer about a mesh that was asked for, which took so many milliseconds. */
export function recordMesh(outcome: MeshOutcome, ms: number, recorder: Recorder): void {
  const { status } = outcome;
  if (status !== 'hit') return recorder.count('meshes', [status, 'none']);
  recorder.add(hitKeys[outcome.tier]);
  recorder.add(savedKey, outcome.saved_gpu_ms);
  recorder.latency('hit', ms);
}

const hitKeys = {
  memory: counterKey('meshes', ['hit', 'memory']),
  kv: counterKey('meshes', ['hit', 'kv']),
  r2: counterKey('meshes', ['hit', 'r2']),
};
const savedKey = counterKey('savedGpuMs', []);

function recordError(c: Context, recorder: Recorder): void {
  const code = c.error === undefined ? codeOfStatus(c.res.status) : codeOf(c.error);
  recorder.count('errors', [code]);
  if (code !== 'internal_error') return;
  const cause = c.error?.cause ?? c.error;
  const message = `${c.req.method} ${routeOf(c)} failed.`;
  recorder.failure({ code, message, cause: String(cause), key: null, originId: null });
}

function codeOf(error: Error): ProblemCode {
  return error instanceof Problem ? error.code : 'internal_error';
}

/** The code of an answer that was refused without a throw: the first with this status. */
function codeOfStatus(status: number): string {
  return Object.entries(problems).find(([, problem]) => problem.status === status)?.[0] ?? 'other';
}

/** The pattern of the route that was matched, so that no client can make up new counters. */
function routeOf(c: Context): string {
  const path = routePath(c, -1).replaceAll(/\{[^}]*\}/g, '');
  return path === '' || path.endsWith('*') ? 'other' : path;
}
