import { createHash } from 'node:crypto';
import { Problem } from '../../contract/problem.ts';
import { verify, type VerifiedCall } from '../../contract/signature.ts';
import { isHmacAtOnce } from '../hmac.ts';
import type { Nonces } from './nonces.ts';

/** Checks a request's signature and spends its nonce, with none of its body read; throws `invalid_signature`. */
export async function verifyRequest(
  request: Request,
  known: { id: string; secrets: readonly string[]; nonces: Nonces },
): Promise<VerifiedCall> {
  const url = new URL(request.url);
  const call = await verify(
    { method: request.method, path: url.pathname + url.search, headers: request.headers },
    (originId) => (originId === known.id ? known.secrets : []),
    isHmacAtOnce,
  );
  // defence: API2-7
  await known.nonces.spend(call.nonce, call.timestampSeconds);
  return call;
}

/**
 * The body's chunks, counted and hashed as they pass. Throws `digest_mismatch` at the first byte over the declared
 * length, or at the end when length or digest are not the declared ones: what was read must then be thrown away.
 */
export async function* provenBody(request: Request, call: VerifiedCall): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > call.bodyBytes) throw new Problem('digest_mismatch', 'The body is longer than was signed.');
    hash.update(chunk);
    yield chunk;
  }
  if (bytes !== call.bodyBytes) throw new Problem('digest_mismatch', 'The body is shorter than was signed.');
  if (hash.digest('hex') !== call.bodySha256) {
    throw new Problem('digest_mismatch', 'The body does not have the digest that was signed.');
  }
}
