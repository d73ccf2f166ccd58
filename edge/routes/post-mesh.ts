import { outputFormats } from '../../contract/formats.ts';
import { preferWaitSecondsMax, type MeshRequest } from '../../contract/request.ts';
import { ownTenant, type Caller } from '../access/auth.ts';
import { negotiate } from '../http/accept.ts';
import { readIdempotencyKey } from '../http/idempotency-key.ts';
import { parsePrefer, preferenceApplied } from '../http/prefer.ts';
import type { MeshMaker } from '../meshes/mesh-maker.ts';
import type { MeshState } from '../meshes/mesh-state.ts';
import type { Meshes } from '../meshes/meshes.ts';
import type { Repeats } from '../meshes/repeats.ts';
import type { Outside } from '../outside/outside.ts';
import { parseMeshBody, readMeshBody, type MeshBody } from '../request/mesh-request.ts';
import type { RequestContext } from '../request-context.ts';
import { budgetHeaders, type Budget } from '../tenant/budget.ts';
import { announce } from '../webhooks/announce.ts';
import type { WebhookObjects } from '../webhooks/calls.ts';
import type { Handler } from './hot-routes.ts';
import { postAnswer, type MeshAnswerOptions } from './mesh-answer.ts';

export type PostMeshOptions = MeshAnswerOptions & {
  callerOf: (request: Request) => Promise<Caller>;
  repeats: Repeats;
  maker: MeshMaker;
  meshes: Meshes;
  /** Where pictures are fetched that are given by their URLs. */
  outside: Outside;
  webhooks: WebhookObjects;
};

/** The fields of a request that its answer needs. */
type Asked = Pick<MeshRequest, 'metadata' | 'webhook_url'> & { tags: readonly string[] };

/** A repeated request has none of these. */
const nothingElse: Asked = { metadata: {}, tags: [] };

/** A request that was understood, and where its mesh stands; without the picture's bytes, so that no wait holds them. */
type Accepted = {
  asked: Asked;
  format: 'json' | 'bytes';
  state: MeshState;
  budget: Budget | null;
};

/**
 * `POST /v1/meshes`: hits, misses and refusals. A hit is answered from the tiers. A miss begins in `MeshMaker.make`, which
 * starts or joins the flight; the answer then waits for the mesh as long as the client prefers.
 */
export function postMesh(options: PostMeshOptions): Handler {
  return async (context) => {
    const { request, headers } = context;
    const caller = await options.callerOf(request);
    context.tenant = caller.tenant;
    const { asked, format, state, budget } = await accept(caller, context, options);
    if (budget !== null) Object.assign(headers, budgetHeaders(budget));
    if (asked.webhook_url !== undefined) {
      const { tenant } = caller;
      await announce(options.webhooks, { tenant, asked, state, baseUrl: new URL(request.url).origin });
    }
    context.mesh = state.is === 'refused' ? { status: 'refused' } : state.cache;
    const preferred = parsePrefer(request.headers.get('prefer')).waitSeconds;
    if (preferred !== null) headers['preference-applied'] = preferenceApplied(preferred);
    const waitSeconds = preferred ?? (format === 'bytes' ? preferWaitSecondsMax : 0);
    const waited = await options.meshes.wait(state, waitSeconds);
    return postAnswer(context, { state: waited, format, metadata: asked.metadata }, options);
  };
}

/** Reads a request and finds its mesh or has it made; throws the Problem that says why not. */
async function accept(caller: Caller, context: RequestContext, options: PostMeshOptions): Promise<Accepted> {
  const { request } = context;
  const { repeats } = options;
  const body = await readMeshBody(request);
  const repeatable = repeats.repeatable(request, caller, body);
  const repeated = repeatable === null ? null : repeats.find(repeatable);
  if (repeated !== null) return { asked: nothingElse, format: 'json', state: repeated, budget: null };
  const accepted = await make(body, { caller, context }, options);
  if (repeatable !== null && isPlainHit(accepted)) repeats.keep(repeatable, accepted.state.key);
  return accepted;
}

async function make(
  body: MeshBody,
  { caller, context: { request, trace } }: { caller: Caller; context: RequestContext },
  { maker, outside }: PostMeshOptions,
): Promise<Accepted> {
  const name = readIdempotencyKey(request.headers.get('idempotency-key'));
  const posted = await parseMeshBody(body, outside);
  const { metadata, webhook_url, cache, output_format } = posted.request;
  const format = negotiate(request.headers.get('accept'), outputFormats[output_format].mediaType);
  if (webhook_url !== undefined) ownTenant(caller);
  const { state, budget } = await maker.make(posted, { caller, name, trace });
  return { asked: { metadata, webhook_url, tags: cache.tags }, format, state, budget };
}

/** Whether a request came to the object of a public mesh that memory held, and to nothing else. */
function isPlainHit({ asked, format, state, budget }: Accepted): boolean {
  const isHeld = state.is === 'completed' && state.cache.tier === 'memory' && state.manifest.owner === undefined;
  const asksForMore =
    asked.webhook_url !== undefined || asked.tags.length > 0 || Object.keys(asked.metadata).length > 0;
  return isHeld && format === 'json' && budget === null && !asksForMore;
}
