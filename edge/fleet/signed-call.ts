import { type FleetObjects, theFleet } from './calls.ts';
import { sha256 } from '../../contract/digest.ts';
import { Problem } from '../../contract/problem.ts';
import { verify, type VerifiedCall } from '../../contract/signature.ts';
import type { Origin } from './origins.ts';
import { declaredBytes, readBody } from '../http/body.ts';
import { parseJson } from '../http/parse-json.ts';

/** Who may call, and how much a call may bring. */
type Callers = { origins: readonly Origin[]; fleets: FleetObjects; bodyBytesMax: number };

/**
 * Proves that an origin makes this call, before any of its body is read: signature and declared length, then nonce.
 * Throws the Problems `invalid_signature`, `length_required`, `body_too_large` and `invalid_request`.
 */
export async function verifyCall(request: Request, by: Callers): Promise<VerifiedCall> {
  const { call, spent } = await beginCall(request, by);
  await spent;
  return call;
}

/**
 * As `verifyCall`, for a caller that looks something up while the nonce is written down: nothing may be changed before
 * `spent` has ended, which throws `invalid_signature` for a call that was made before.
 */
export async function beginCall(request: Request, by: Callers): Promise<{ call: VerifiedCall; spent: Promise<void> }> {
  const call = await verifySignature(request, by);
  const spent = spendNonce(call, by);
  spent.catch(() => undefined); // a call that is refused for another reason waits for no nonce
  return { call, spent };
}

/**
 * As `verifyCall`, of a call with a JSON body, which is read and proved by its digest while its nonce is written down.
 * Throws `digest_mismatch` and `invalid_request` too.
 */
export async function readSignedJson(request: Request, by: Callers): Promise<{ call: VerifiedCall; json: unknown }> {
  const { call, spent } = await beginCall(request, by);
  const [json] = await Promise.all([readJson(request, call), spent]);
  return { call, json };
}

async function verifySignature(request: Request, { origins, bodyBytesMax }: Callers): Promise<VerifiedCall> {
  const url = new URL(request.url);
  const call = await verify(
    { method: request.method, path: url.pathname + url.search, headers: request.headers },
    (originId) => origins.find((origin) => origin.id === originId)?.secrets ?? [],
  );
  if (request.method === 'GET') return call;
  const bytes = declaredBytes(request.headers);
  if (bytes === null) throw new Problem('length_required', 'Content-Length is required.');
  if (bytes > bodyBytesMax) {
    throw new Problem('body_too_large', `This call's body may have at most ${bodyBytesMax} bytes.`);
  }
  if (bytes !== call.bodyBytes)
    throw new Problem('invalid_request', 'Content-Length is not the length that is signed.');
  return call;
}

async function spendNonce({ originId, nonce, timestampSeconds }: VerifiedCall, { fleets }: Callers): Promise<void> {
  // defence: API2-6
  if (await theFleet(fleets).spendNonce(`${originId} ${nonce}`, timestampSeconds)) return;
  throw new Problem('invalid_signature', 'This signed call was made before.');
}

async function readJson(request: Request, call: VerifiedCall): Promise<unknown> {
  const bytes = await readBody(request, call.bodyBytes);
  if (bytes.byteLength !== call.bodyBytes || /* defence: API2-10 */ (await sha256(bytes)) !== call.bodySha256) {
    throw new Problem('digest_mismatch', 'The body is not the one that is signed.');
  }
  return parseJson(bytes);
}
