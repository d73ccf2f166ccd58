import { Problem } from '../../contract/problem.ts';
import { entityTag, representationHeaders, validatorHeaders, type AssetLife } from '../http/asset-headers.ts';
import { hitFrom } from '../http/cache-status.ts';
import { openHeaders } from '../http/cors.ts';
import { evaluatePreconditions, rangeApplies } from '../http/conditional.ts';
import { contentRange, parseRange, rangeBytes, type ByteRange } from '../http/range.ts';
import { defaultHeaders } from '../http/security-headers.ts';
import { urlOrigin } from '../http/url-origin.ts';
import type { RequestContext } from '../request-context.ts';
import { assetFile, type AssetName } from '../store/asset.ts';
import { discardAsset, heldAsset, openAsset, readAsset, type AssetsOptions, type FoundAsset } from '../store/assets.ts';
import { quarantine, type QuarantineOptions } from '../removal/quarantine.ts';
import type { BlobPlace } from '../store/blobs.ts';
import { Memory } from '../store/memory.ts';
import type { Stores } from '../store/stores.ts';

/** Bytes of headers that an isolate keeps, and about what those of one asset take. */
const headersBytesMax = 1024 * 1024;
const headersBytes = 2048;

const madeHeaders = new Memory<Headers>({
  bytesMax: headersBytesMax,
  sizeOf: () => headersBytes,
  now: () => Date.now(),
});

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
  context.asset = { tier: found.tier, sentBytes: null };
  const { sizeBytes } = found.asset;
  const selection = select(request, entityTag(name.sha256), sizeBytes);
  if (selection.kind !== 'bytes') {
    await discardAsset(found);
    const headers = commonHeaders(name, found, served.access.life);
    return selection.kind === 'not_modified'
      ? new Response(null, { status: 304, headers })
      : refusal(selection, headers);
  }
  const { range } = selection;
  const answer = range
    ? { status: 206, headers: partHeaders(range, { name, found, life: served.access.life }) }
    : { status: 200, headers: wholeHeaders(name, found, served.access.life) };
  if (request.method === 'HEAD') {
    await discardAsset(found);
    return new Response(null, answer);
  }
  const body = await openAsset({ name, found, range }, options);
  if (!body) throw noSuchAsset();
  context.asset.sentBytes = range ? rangeBytes(range) : sizeBytes;
  return new Response(body, answer);
}

/** Headers that an answer about an asset carries whether or not it brings bytes of it. */
function commonHeaders({ sha256 }: AssetName, { tier }: FoundAsset, life: AssetLife): Record<string, string> {
  return { ...validatorHeaders(sha256, life), 'cache-status': hitFrom(tier) };
}

function partHeaders(range: ByteRange, { name, found, life }: { name: AssetName; found: FoundAsset; life: AssetLife }) {
  return {
    ...commonHeaders(name, found, life),
    ...representationHeaders(name),
    'content-length': String(rangeBytes(range)),
    'content-range': contentRange(range, found.asset.sizeBytes),
  };
}

/** Headers of the whole asset. Those of a public one in memory follow from its name, and are made once. */
function wholeHeaders(name: AssetName, found: FoundAsset, life: AssetLife): Headers {
  const isMadeOnce = found.tier === 'memory' && life === 'immutable';
  const file = assetFile(name);
  const known = isMadeOnce ? madeHeaders.get(file) : null;
  if (known !== null) return known;
  const headers = new Headers({
    // What `finish` would add too: a copy of these costs less than to set each.
    ...defaultHeaders,
    ...openHeaders,
    ...commonHeaders(name, found, life),
    ...representationHeaders(name),
    'content-length': String(found.asset.sizeBytes),
  });
  if (isMadeOnce) madeHeaders.set(file, headers);
  return headers;
}

/** Headers that make an answer another one than the whole asset. */
const selecting = ['range', 'if-none-match', 'if-match'] as const;

/**
 * The whole of a public asset, where memory holds it and the request asks for no less; else null. It is what `serveAsset`
 * would answer, without a look at the rules and tiers that have no say in it: a fifth of what an answer of 50 KB costs.
 */
export function wholeFromMemory(context: RequestContext, name: AssetName): Response | null {
  const { request } = context;
  if (request.method !== 'GET' || selecting.some((header) => request.headers.has(header))) return null;
  const found = heldAsset(name);
  if (found === null) return null;
  context.asset = { tier: found.tier, sentBytes: found.asset.sizeBytes };
  context.hasStandingHeaders = true;
  return new Response(found.asset.bytes, { headers: wholeHeaders(name, found, 'immutable') });
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
