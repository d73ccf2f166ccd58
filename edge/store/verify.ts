import { hex, sha256 as digest } from '../../contract/digest.ts';

/** Bytes that a checked stream holds at a time are twice this: one piece on its way, one held back. */
const pieceBytes = 64 * 1024;

/** Whether these bytes have this SHA-256. */
export async function holds(bytes: Uint8Array<ArrayBuffer>, sha256: string): Promise<boolean> {
  return (await digest(bytes)) === sha256;
}

/**
 * Passes on a stream of known length while digesting it, one piece behind, so that the last piece leaves only once the
 * whole is known to be right; otherwise the stream fails and its reader sees a truncated answer, never a complete wrong
 * one. It is pulled by its reader and holds two pieces, whatever the length.
 */
export function verified(
  body: ReadableStream<Uint8Array>,
  expected: { sha256: string; sizeBytes: number; onDamage: () => void },
): ReadableStream<Uint8Array> {
  const { readable, writable } = new FixedLengthStream(expected.sizeBytes);
  const source = body.getReader({ mode: 'byob' });
  const sink = writable.getWriter();
  pass(source, sink, expected).catch(async (error: unknown) => {
    // Either side may be the one that failed: each is told, and the reader of the answer meets the error.
    await Promise.allSettled([source.cancel(error), sink.abort(error)]);
  });
  return readable;
}

async function pass(
  source: ReadableStreamBYOBReader,
  sink: WritableStreamDefaultWriter<Uint8Array>,
  { sha256, sizeBytes, onDamage }: { sha256: string; sizeBytes: number; onDamage: () => void },
): Promise<void> {
  const digestStream = new crypto.DigestStream('SHA-256');
  const hasher = digestStream.getWriter();
  let held: Uint8Array<ArrayBuffer> | null = null;
  let free = new ArrayBuffer(pieceBytes);
  for (;;) {
    const { value, done } = await source.readAtLeast(pieceBytes, new Uint8Array(free));
    if (value && value.byteLength > 0) {
      await hasher.write(value);
      if (held) await sink.write(held);
      free = held?.buffer ?? new ArrayBuffer(pieceBytes);
      held = value;
    }
    if (done) break;
  }
  await hasher.close();
  if (Number(digestStream.bytesWritten) < sizeBytes) throw new Error(`the stream of ${sha256} ended early`);
  if (hex(new Uint8Array(await digestStream.digest)) !== sha256) {
    onDamage();
    throw new Error(`stored bytes do not have SHA-256 ${sha256}`);
  }
  if (held) await sink.write(held);
  await sink.close();
}
