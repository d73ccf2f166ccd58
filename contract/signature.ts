import { bytesOfHex, hex } from './digest.ts';
import { hmacKey } from './hmac-key.ts';
import { Problem } from './problem.ts';

/** Seconds by which the two clocks may differ, and for which a nonce must be remembered. */
export const signatureAgeSecondsMax = 300;

/** What a signature covers; the body itself is proved afterwards by the digest declared here. */
export type SignedCall = {
  method: string;
  /** Path with its query string. */
  path: string;
  /** SHA-256 of the body, hexadecimal. */
  bodySha256: string;
  bodyBytes: number;
  /** The job header's text of a `POST /jobs`, else empty. */
  job: string;
};

/** Header names of a signed call, in the order of the canonical text. */
export const signatureHeaders = {
  origin: 'meshkiln-origin',
  timestamp: 'meshkiln-timestamp',
  nonce: 'meshkiln-nonce',
  bodySha256: 'meshkiln-body-sha256',
  bodyBytes: 'meshkiln-body-bytes',
  job: 'meshkiln-job',
  signature: 'meshkiln-signature',
} as const;

/** HMAC-SHA-256 of a text. */
export type Hmac = (secret: string, text: Uint8Array<ArrayBuffer>) => Uint8Array | Promise<Uint8Array>;

/** Whether this is the HMAC-SHA-256 of a text, found out in constant time. */
export type IsHmac = (
  mac: Uint8Array<ArrayBuffer>,
  secret: string,
  text: Uint8Array<ArrayBuffer>,
) => boolean | Promise<boolean>;

const webHmac: Hmac = async (secret, text) =>
  new Uint8Array(await crypto.subtle.sign('HMAC', await hmacKey(secret), text));

const isWebHmac: IsHmac = async (mac, secret, text) => crypto.subtle.verify('HMAC', await hmacKey(secret), mac, text);

/**
 * Headers that sign a call between the edge and the origin named `originId`, in either direction. `hmac` is Web Crypto's
 * unless a program has a faster one.
 */
export async function sign(
  call: SignedCall,
  as: { originId: string; secret: string },
  hmac: Hmac = webHmac,
): Promise<Record<string, string>> {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const nonce = hex(crypto.getRandomValues(new Uint8Array(16)));
  const mac = await hmac(as.secret, canonicalText(call, as.originId, timestamp, nonce));
  return {
    [signatureHeaders.origin]: as.originId,
    [signatureHeaders.timestamp]: timestamp,
    [signatureHeaders.nonce]: nonce,
    [signatureHeaders.bodySha256]: call.bodySha256,
    [signatureHeaders.bodyBytes]: String(call.bodyBytes),
    ...(call.job === '' ? {} : { [signatureHeaders.job]: call.job }),
    [signatureHeaders.signature]: hex(mac),
  };
}

/** A call whose signature holds. The caller must still refuse `nonce` if it was seen, and prove the body. */
export type VerifiedCall = SignedCall & { originId: string; nonce: string; timestampSeconds: number };

/**
 * Checks a call's signature from its request line and headers, before its body is read.
 * `secretsOf` gives the secrets that are valid for an origin (two during a rotation), none for an unknown one.
 * Throws the Problem `invalid_signature`, which does not tell which part was wrong but for an old timestamp. `isHmac` is
 * Web Crypto's unless a program has a faster one.
 */
export async function verify(
  request: { method: string; path: string; headers: Headers },
  secretsOf: (originId: string) => readonly string[],
  isHmac: IsHmac = isWebHmac,
): Promise<VerifiedCall> {
  const header = (name: keyof typeof signatureHeaders) => request.headers.get(signatureHeaders[name]) ?? '';
  const originId = header('origin');
  const timestamp = header('timestamp');
  const nonce = header('nonce');
  const bodyBytes = header('bodyBytes');
  const bodySha256 = header('bodySha256');
  const signature = header('signature');
  const wellFormed =
    /^\d{1,12}$/.test(timestamp) &&
    /^[0-9a-f]{32}$/.test(nonce) &&
    /^\d{1,12}$/.test(bodyBytes) &&
    /^[0-9a-f]{64}$/.test(bodySha256) &&
    /^[0-9a-f]{64}$/.test(signature);
  if (!wellFormed) throw new Problem('invalid_signature', 'This call must be signed by a known origin.');

  const call: SignedCall = {
    method: request.method,
    path: request.path,
    bodySha256,
    bodyBytes: Number(bodyBytes),
    job: header('job'),
  };
  const text = canonicalText(call, originId, timestamp, nonce);
  const mac = bytesOfHex(signature);
  let holds = false;
  for (const secret of secretsOf(originId)) if (await isHmac(mac, secret, text)) holds = true;
  // defence: API2-5
  if (!holds) throw new Problem('invalid_signature', 'This call must be signed by a known origin.');
  // defence: API2-9
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > signatureAgeSecondsMax) {
    throw new Problem(
      'invalid_signature',
      `The signature's timestamp is more than ${signatureAgeSecondsMax} s away from this clock.`,
    );
  }
  return { ...call, originId, nonce, timestampSeconds: Number(timestamp) };
}

function canonicalText(call: SignedCall, originId: string, timestamp: string, nonce: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(
    ['meshkiln-1', originId, timestamp, nonce, call.method, call.path, call.bodySha256, call.bodyBytes, call.job].join(
      '\n',
    ),
  ) as Uint8Array<ArrayBuffer>;
}
