import { Agent, request } from 'undici';
import { retryAfterMs } from '../../contract/retry-after.ts';
import { sign } from '../../contract/signature.ts';
import { digestOf } from '../digest.ts';
import { hmacAtOnce } from '../hmac.ts';
import { readBounded } from '../outgoing/bounded-body.ts';
import { currentTraceHeaders } from '../trace.ts';

/** Connections to the edge at once; more calls wait for one. */
const connectionsMax = 16;
const connectSecondsMax = 5;

/** A call without an answer for this long has failed; blobs of some 100 MB fit in. */
const answerSecondsMax = 60;

type EdgeCall = {
  method: 'GET' | 'PUT' | 'POST';
  /** Path below the edge's URL, with its query. */
  path: string;
  body?: Uint8Array;
  /** SHA-256 of the body, where it is known. */
  bodySha256?: string;
  mediaType?: string;
  secondsMax?: number;
  signal?: AbortSignal;
  /** Bytes of the answer that are read; a longer one is an error. */
  answerBytesMax?: number;
};

export type EdgeAnswer = { status: number; bytes: Uint8Array; retryAfterMs: number | null };

/** Makes a signed call to the edge; rejects only when no answer came. */
export type CallEdge = (call: EdgeCall) => Promise<EdgeAnswer>;

const answerBytesMaxDefault = 64 * 1024;

/** The origin's side of the calls that it makes to the edge, over kept-alive connections until `close`. */
export function createEdgeClient(edgeUrl: string, as: { originId: string; secret: string }) {
  const base = edgeUrl.replace(/\/+$/, '');
  const agent = new Agent({ connections: connectionsMax, connect: { timeout: connectSecondsMax * 1000 } });

  const call: CallEdge = async ({
    method,
    path,
    body,
    bodySha256,
    mediaType,
    secondsMax = answerSecondsMax,
    signal,
    ...limits
  }) => {
    const url = new URL(base + path);
    const bytes = body ?? new Uint8Array(0);
    const headers = await sign(
      {
        method,
        path: url.pathname + url.search,
        bodySha256: bodySha256 ?? digestOf(bytes),
        bodyBytes: bytes.byteLength,
        job: '',
      },
      as,
      hmacAtOnce,
    );
    const timeout = AbortSignal.timeout(secondsMax * 1000);
    const answer = await request(url, {
      method,
      dispatcher: agent,
      headers: { ...headers, ...currentTraceHeaders(), ...(mediaType !== undefined && { 'content-type': mediaType }) },
      body: method === 'GET' ? null : bytes,
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
    });
    return {
      status: answer.statusCode,
      bytes: await readBounded(answer.body, limits.answerBytesMax ?? answerBytesMaxDefault),
      retryAfterMs: retryAfterMs(answer.headers['retry-after']),
    };
  };
  return { call, close: () => agent.destroy() };
}
