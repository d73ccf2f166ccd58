import type { MeshRequest } from '../../contract/request.ts';
import { traceHeaders } from '../../contract/trace.ts';
import type { Caller } from '../access/auth.ts';
import type { Begun } from '../begun.ts';
import { hitFrom } from '../http/cache-status.ts';
import { openHeaders } from '../http/cors.ts';
import { parsePrefer, preferenceApplied } from '../http/prefer.ts';
import { defaultHeaders, transportSecurity } from '../http/security-headers.ts';
import { meshText } from '../meshes/mesh-object.ts';
import type { HitMesh } from '../meshes/mesh-state.ts';
import type { Repeats } from '../meshes/repeats.ts';
import { readMeshBody, type MeshBody } from '../request/mesh-request.ts';
import { traceOf } from '../http/request-id.ts';
import { recordMesh } from '../stats/record-answers.ts';
import { counterKey } from '../stats/counts.ts';
import type { Recorder } from '../stats/recorder.ts';
import type { CountUsage } from '../tenant/record-usage.ts';
import { acceptBody, type Accepted, type AcceptOptions } from './accept-mesh.ts';
import { assetUrlsOf, jsonHeaders } from './mesh-answer.ts';

export type MeshHitOptions = AcceptOptions & {
  callerOf: (request: Request) => Promise<Caller>;
  repeats: Repeats;
  countUsage: CountUsage;
  recorder: Recorder;
  urlSecret: string;
};

const path = '/v1/meshes';
const answeredKey = counterKey('requests', ['POST', path, '200']);

/** Headers of a hit's answer but those of one request. */
const answerHeaders = new Headers({ ...defaultHeaders, ...openHeaders, ...jsonHeaders });

/** Whether a request asks for a mesh; one with a query does so too, by the router alone. */
export function asksForMesh(request: Request): boolean {
  if (request.method !== 'POST') return false;
  const { url } = request;
  return url.endsWith(path) && url.indexOf('/', 'https://'.length) === url.length - path.length;
}

/** Bytes of a form beside its picture up to which its request is known by a name: far more than most have. */
const namedFieldBytesMax = 4096;

/**
 * Answers a `POST /v1/meshes` whose mesh is stored with the mesh object, by no more than a few looks where the very same
 * was asked a moment ago. Any other is begun, and for the router to go on with: what it has to answer is rarer, or takes
 * longer, than what its middleware costs.
 */
export async function answerHit(request: Request, options: MeshHitOptions): Promise<Response | Begun> {
  const atMs = performance.now();
  const { headers } = request;
  const trace = traceOf(headers);
  const caller = options.callerOf(request);
  const body = caller.then(() => readMeshBody(request));
  const asked = await nameOf(request, { caller, body });
  const repeated = asked === null ? null : options.repeats.find(asked);
  if (repeated !== null) return answer(repeated, { request, trace, atMs, caller, metadata: {} }, options);
  const { models } = options.repeats;
  const accepted = body.then(async (read) =>
    acceptBody({ headers, body: read }, { caller: await caller, trace }, options),
  );
  const hit = await hitOf(accepted);
  if (hit === null) return { atMs, trace, caller, accepted };
  if (asked !== null && models !== null && isRepeatable(hit)) {
    options.repeats.keep(asked, { mesh: hit.mesh, caller: await caller, models });
  }
  return answer(hit.mesh, { request, trace, atMs, caller, metadata: hit.asks.metadata }, options);
}

/**
 * A name that two requests have only if they ask for the same in all that an answer can depend on; null for one that is
 * not known by a name.
 */
async function nameOf({ url, headers }: Request, of: { caller: Promise<Caller>; body: Promise<MeshBody> }) {
  try {
    const { tenant, defaultScope } = await of.caller;
    const body = await of.body;
    if (body.is !== 'form' || body.picture === null || headers.has('idempotency-key')) return null;
    const { parts, picture, bytes } = body;
    if (bytes - picture.bytes.byteLength > namedFieldBytesMax) return null;
    let name = `${url} ${tenant} ${defaultScope} ${picture.sha256} ${headers.get('accept') ?? ''}`;
    for (const { name: field, body: value } of parts) {
      // None of what comes before holds a line break, and the lengths tell one field from two.
      if (value !== picture.bytes) name += `\n${field.length} ${value.length} ${field}${String.fromCharCode(...value)}`;
    }
    return name;
  } catch {
    return null; // the router comes to the same end, and tells it
  }
}

type Found = { mesh: HitMesh; asks: MeshRequest };

/** A hit that is answered with the mesh object, and nothing else. */
async function hitOf(accepted: Promise<Accepted>): Promise<Found | null> {
  try {
    const { request: asks, format, state, budget } = await accepted;
    if (state.is !== 'completed' || state.cache.status !== 'hit' || format !== 'json') return null;
    if (budget !== null || asks.webhook_url !== undefined) return null;
    return { mesh: { ...state, cache: state.cache }, asks };
  } catch {
    return null; // the router comes to the same end, and tells it
  }
}

/** Whether a hit was no more than an answer, of a mesh whose URLs stay as they are. */
function isRepeatable({ mesh: { manifest, cache }, asks }: Found): boolean {
  const keepsNothing = asks.cache.tags.length === 0 && Object.keys(asks.metadata).length === 0;
  return cache.tier === 'memory' && manifest.owner === undefined && keepsNothing;
}

type Answering = Omit<Begun, 'accepted'> & { request: Request; metadata: Record<string, string> };

async function answer(
  mesh: HitMesh,
  { request, trace, atMs, caller, metadata }: Answering,
  { countUsage, recorder, urlSecret }: MeshHitOptions,
): Promise<Response> {
  const { cache } = mesh;
  const text = await meshText(mesh, { assetUrls: assetUrlsOf(request, urlSecret), metadata });
  const answered = new Response(text, { headers: answerHeaders });
  const { headers } = answered;
  headers.set('cache-status', hitFrom(cache.tier));
  headers.set(traceHeaders.requestId, trace.requestId);
  if (request.url.startsWith('https:')) headers.set(...transportSecurity);
  const { waitSeconds } = parsePrefer(request.headers.get('prefer'));
  if (waitSeconds !== null) headers.set('preference-applied', preferenceApplied(waitSeconds));
  countUsage((await caller).tenant, cache);
  recorder.add(answeredKey);
  recordMesh(cache, performance.now() - atMs, recorder);
  return answered;
}
