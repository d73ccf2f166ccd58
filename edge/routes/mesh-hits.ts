import type { CacheOutcome } from '../../contract/mesh.ts';
import { traceHeaders } from '../../contract/trace.ts';
import type { Caller } from '../auth.ts';
import type { Begun } from '../begun.ts';
import { hitFrom } from '../http/cache-status.ts';
import { openHeaders } from '../http/cors.ts';
import { parsePrefer, preferenceApplied } from '../http/prefer.ts';
import { defaultHeaders, transportSecurity } from '../http/security-headers.ts';
import type { AssetUrls } from '../meshes/asset-url.ts';
import { meshText } from '../meshes/mesh-object.ts';
import { traceOf } from '../request-id.ts';
import { recordMesh } from '../stats/record-answers.ts';
import type { Recorder } from '../stats/recorder.ts';
import type { CountUsage } from '../usage/record-usage.ts';
import { acceptMesh, type AcceptOptions } from './accept-mesh.ts';
import { assetUrlsOf, jsonHeaders } from './mesh-answer.ts';

export type MeshHitOptions = AcceptOptions & {
  callerOf: (request: Request) => Promise<Caller>;
  countUsage: CountUsage;
  recorder: Recorder;
  urlSecret: string;
};

type Hit = { text: string; cache: CacheOutcome & { status: 'hit' }; tenant: string };

const path = '/v1/meshes';

/** Headers of a hit's answer but those of one request. */
const answerHeaders = new Headers({ ...defaultHeaders, ...openHeaders, ...jsonHeaders });

/** Whether a request asks for a mesh; one with a query does so too, by the router alone. */
export function asksForMesh(request: Request): boolean {
  if (request.method !== 'POST') return false;
  const { url } = request;
  return url.endsWith(path) && url.indexOf('/', 'https://'.length) === url.length - path.length;
}

/**
 * Answers a `POST /v1/meshes` whose mesh is stored with the mesh object. Any other is begun, and for the router to go on
 * with: what it has to answer is rarer, or takes longer, than what its middleware costs.
 */
export async function answerHit(request: Request, options: MeshHitOptions): Promise<Response | Begun> {
  const { countUsage, recorder, urlSecret } = options;
  const { url, headers } = request;
  const begun = begin(request, options);
  const hit = await hitOf(begun, assetUrlsOf(request, urlSecret));
  if (hit === null) return begun;
  const { text, cache, tenant } = hit;
  const answer = new Response(text, { headers: answerHeaders });
  answer.headers.set('cache-status', hitFrom(cache.tier));
  answer.headers.set(traceHeaders.requestId, begun.trace.requestId);
  if (url.startsWith('https:')) answer.headers.set(...transportSecurity);
  const { waitSeconds } = parsePrefer(headers.get('prefer'));
  if (waitSeconds !== null) answer.headers.set('preference-applied', preferenceApplied(waitSeconds));
  countUsage(tenant, cache);
  recorder.count('requests', ['POST', path, '200']);
  recordMesh(cache, performance.now() - begun.atMs, recorder);
  return answer;
}

function begin(request: Request, options: MeshHitOptions): Begun {
  const atMs = performance.now();
  const trace = traceOf(request.headers);
  const caller = options.callerOf(request);
  return { atMs, trace, caller, accepted: caller.then((by) => acceptMesh(request, { caller: by, trace }, options)) };
}

async function hitOf({ caller, accepted }: Begun, assetUrls: AssetUrls): Promise<Hit | null> {
  try {
    const { request, format, state, budget } = await accepted;
    if (state.is !== 'completed' || state.cache.status !== 'hit' || format !== 'json') return null;
    if (budget !== null || request.webhook_url !== undefined) return null;
    const { metadata } = request;
    return { text: await meshText(state, { assetUrls, metadata }), cache: state.cache, tenant: (await caller).tenant };
  } catch {
    return null; // the router comes to the same end, and tells it
  }
}
