import { sha256 } from '../../contract/digest.ts';
import { Problem } from '../../contract/problem.ts';
import { verify, type VerifiedCall } from '../../contract/signature.ts';
import type { Origin } from '../env.ts';
import { theFleet } from './fleet-view.ts';
import type { Fleet } from '../objects/fleet.ts';
import { declaredBytes, readBody } from '../request/body.ts';
import { parseJson } from '../request/parse-json.ts';

/**
 * Proves that an origin makes this call, before any of its body is read: signature, then nonce, then the declared
 * length. Throws the Problems `invalid_signature`, `length_required`, `body_too_large` and `invalid_request`.
 */
export async function verifyCall(
  request: Request,
  by: { origins: readonly Origin[]; fleets: DurableObjectNamespace<Fleet>; bodyBytesMax: number },
): Promise<VerifiedCall> {
  const url = new URL(request.url);
  const call = await verify(
    { method: request.method, path: url.pathname + url.search, headers: request.headers },
    (originId) => by.origins.find((origin) => origin.id === originId)?.secrets ?? [],
  );
  if (!(await theFleet(by.fleets).spendNonce(`${call.originId} ${call.nonce}`, call.timestampSeconds))) {
    throw new Problem('invalid_signature', 'This signed call was made before.');
  }
  if (request.method === 'GET') return call;
  const bytes = declaredBytes(request.headers);
  if (bytes === null) throw new Problem('length_required', 'Content-Length is required.');
  if (bytes > by.bodyBytesMax) {
    throw new Problem('body_too_large', `This call's body may have at most ${by.bodyBytesMax} bytes.`);
  }
  if (bytes !== call.bodyBytes)
    throw new Problem('invalid_request', 'Content-Length is not the length that is signed.');
  return call;
}

/** Reads a signed JSON body and proves it by its digest; throws `digest_mismatch` and `invalid_request`. */
export async function readSignedJson(request: Request, call: VerifiedCall): Promise<unknown> {
  const bytes = await readBody(request, call.bodyBytes);
  if (bytes.byteLength !== call.bodyBytes || (await sha256(bytes)) !== call.bodySha256) {
    throw new Problem('digest_mismatch', 'The body is not the one that is signed.');
  }
  return parseJson(bytes);
}
