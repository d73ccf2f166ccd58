import { Problem } from '../../contract/problem.ts';

/** Size of the first buffer when the body's length is not declared; it doubles from there. */
const firstBufferBytes = 64 * 1024;

/**
 * Reads a whole body of at most `bytesMax` bytes. Past the limit it throws the Problem `body_too_large` and reads no
 * further: at once when Content-Length says so, else with the first chunk that goes over.
 */
export async function readBody(message: Request | Response, bytesMax: number): Promise<Uint8Array<ArrayBuffer>> {
  const declared = declaredBytes(message.headers);
  if (declared !== null && declared > bytesMax) throw tooLarge(bytesMax);
  // HTTP ends a request at its declared length, so the runtime may read it in one go, which is several times as fast, and
  // has no stream to be made, as there is when its body is looked at. An answer's declared length may be that before its
  // content was decoded.
  if (declared !== null && message instanceof Request) return new Uint8Array(await message.arrayBuffer());
  return message.body === null ? new Uint8Array() : readCounted(message.body, bytesMax);
}

async function readCounted(body: ReadableStream<Uint8Array>, bytesMax: number): Promise<Uint8Array<ArrayBuffer>> {
  let buffer = new Uint8Array(Math.min(firstBufferBytes, bytesMax));
  let bytes = 0;
  // The rest is left unread and not cancelled: a cancelled body breaks the connection before the answer is through.
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

/** Content-Length in bytes, null when there is none or it is not a number. */
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
