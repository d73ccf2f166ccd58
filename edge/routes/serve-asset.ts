import { Problem } from '../../contract/problem.ts';
import { entityTag, representationHeaders, validatorHeaders } from '../http/asset-headers.ts';
import { hitFrom } from '../http/cache-status.ts';
import { evaluatePreconditions, rangeApplies } from '../http/conditional.ts';
import { contentRange, parseRange, rangeBytes, type ByteRange } from '../http/range.ts';
import { urlOrigin } from '../http/url-origin.ts';
import type { RequestContext } from '../request-context.ts';
import type { AssetName } from '../store/asset.ts';
import { discardAsset, openAsset, readAsset, type AssetsOptions } from '../store/assets.ts';
import { quarantine, type QuarantineOptions } from '../removal/quarantine.ts';
import type { BlobPlace } from '../store/blobs.ts';
import type { Stores } from '../store/stores.ts';

/** Where assets are, and what forgets the meshes whose bytes turn out damaged. */
export type AssetStores = QuarantineOptions & Pick<Stores, 'takedowns'>;

export type AssetToServe = AssetStores & {
  name: AssetName;
  /** `immutable` where the URL names the bytes; `private` with the request key of the mesh that owns them. */
  access: { life: 'immutable' | 'revalidated' } | { life: 'private'; meshKey: string };
};

/**
 * Answers a request with an asset: 200, 206, 304, 412 or 416 by RFC 9110 for GET and HEAD. Any other method gets the
 * whole, whatever its headers say: a POST's preconditions are not about the mesh it makes. The answer's headers may be
 * changed. Throws the Problem `not_found` when there is no such asset, `taken_down` when it was taken down.
 */
export async function serveAsset(context: RequestContext, served: AssetToServe): Promise<Response> {
  const { request } = context;
  const { name } = served;
  const options = assetsOptions(context, served);
  const found = await readAsset(name, options);
  if (!found) {
    await served.takedowns.refuse([name.sha256]);
    throw noSuchAsset();
  }
  context.assetTier = found.tier;
  const headers = { ...validatorHeaders(name.sha256, served.access.life), 'cache-status': hitFrom(found.tier) };
  const { sizeBytes } = found.asset;
  const selection = select(request, entityTag(name.sha256), sizeBytes);
  if (selection.kind !== 'bytes') {
    await discardAsset(found);
    return selection.kind === 'not_modified'
      ? new Response(null, { status: 304, headers })
      : refusal(selection, headers);
  }
  const { range } = selection;
  const answer = {
    status: range ? 206 : 200,
    headers: {
      ...headers,
      ...representationHeaders(name),
      'content-length': String(range ? rangeBytes(range) : sizeBytes),
      ...(range && { 'content-range': contentRange(range, sizeBytes) }),
    },
  };
  if (request.method === 'HEAD') {
    await discardAsset(found);
    return new Response(null, answer);
  }
  const body = await openAsset({ name, found, range }, options);
  if (!body) throw noSuchAsset();
  return new Response(body, answer);
}

type Selection =
  | { kind: 'bytes'; range: ByteRange | null }
  | { kind: 'not_modified' }
  | { kind: 'refused'; problem: Problem; headers: Record<string, string> };

/** Which part of the asset the request's headers select: preconditions first, then Range (RFC 9110 §13.2.2). */
function select({ method, headers }: Request, etag: string, sizeBytes: number): Selection {
  if (method !== 'GET' && method !== 'HEAD') return { kind: 'bytes', range: null };
  const precondition = evaluatePreconditions(headers, etag);
  if (precondition === 'not_modified') return { kind: 'not_modified' };
  if (precondition === 'failed') {
    const problem = new Problem('precondition_failed', 'If-Match names another version than that of this asset.');
    return { kind: 'refused', problem, headers: {} };
  }
  // Range is defined for GET alone (§14.2).
  const ranged = method === 'GET' && rangeApplies(headers, etag);
  const part = parseRange(ranged ? headers.get('range') : null, sizeBytes);
  if (part.kind === 'unsatisfiable') {
    const problem = new Problem('range_not_satisfiable', `This asset has ${sizeBytes} bytes.`);
    return { kind: 'refused', problem, headers: { 'content-range': contentRange(null, sizeBytes) } };
  }
  return { kind: 'bytes', range: part.kind === 'part' ? part.range : null };
}

function assetsOptions({ request, background }: RequestContext, served: AssetToServe): AssetsOptions {
  const { blobs, access } = served;
  const common = { blobs, background, onDamage: (blob: BlobPlace) => quarantine(blob, served) };
  if (access.life === 'private') return { ...common, place: { kind: 'private', meshKey: access.meshKey } };
  const assetsUrl = `${urlOrigin(request.url)}/assets/`;
  return { ...common, place: { kind: 'shared', assetsUrl } };
}

/** An error that carries headers of the asset; its body is the one that every Problem has. */
function refusal(
  { problem, headers }: Selection & { kind: 'refused' },
  assetHeaders: Record<string, string>,
): Response {
  return Response.json(problem.body(), {
    status: problem.status,
    headers: { ...assetHeaders, ...headers, 'cache-control': 'no-store' },
  });
}

/** There is no asset of this name, or none under this extension. */
export function noSuchAsset(): Problem {
  return new Problem('not_found', 'There is no asset of this name.');
}
