import { Problem } from '../../contract/problem.ts';

/** First buffer when the body's length is not declared; it doubles from there. */
const firstBufferBytes = 64 * 1024;

/**
 * Reads a body of at most `bytesMax` bytes. A longer body throws the Problem `body_too_large`: at once if
 * Content-Length says so, else at the first chunk over the limit.
 */
export async function readBody(message: Request | Response, bytesMax: number): Promise<Uint8Array<ArrayBuffer>> {
  const declared = declaredBytes(message.headers);
  if (declared !== null && declared > bytesMax) throw tooLarge(bytesMax);
  // HTTP ends a request at its declared length, so the runtime can read it in one go, which is several times as fast
  // and creates no stream. The declared length of an answer can be that of its encoded content.
  if (declared !== null && message instanceof Request) return new Uint8Array(await message.arrayBuffer());
  return message.body === null ? new Uint8Array() : readCounted(message.body, bytesMax);
}

async function readCounted(body: ReadableStream<Uint8Array>, bytesMax: number): Promise<Uint8Array<ArrayBuffer>> {
  let buffer = new Uint8Array(Math.min(firstBufferBytes, bytesMax));
  let bytes = 0;
  // Leave the rest unread, but do not cancel it: cancelling closes the connection before the answer is sent.
  for await (const chunk of body.values({ preventCancel: true })) {
    const end = bytes + chunk.byteLength;
    // defence: API4-1
    if (end > bytesMax) throw tooLarge(bytesMax);
    if (end > buffer.byteLength) buffer = grown(buffer, Math.min(bytesMax, Math.max(end, buffer.byteLength * 2)));
    buffer.set(chunk, bytes);
    bytes = end;
  }
  return buffer.subarray(0, bytes);
}

/** Content-Length in bytes. Null when it is absent or not a number. */
export function declaredBytes(headers: Headers): number | null {
  const text = headers.get('content-length');
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

function grown(buffer: Uint8Array, bytes: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(bytes);
  larger.set(buffer);
  return larger;
}

function tooLarge(bytesMax: number): Problem {
  return new Problem('body_too_large', `The body may have at most ${bytesMax} bytes.`);
}
