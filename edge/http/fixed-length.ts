/** Gives a stream its known length, so that Content-Length is sent; one that turns out shorter or longer fails. */
export function withLength(body: ReadableStream<Uint8Array>, bytes: number): ReadableStream<Uint8Array> {
  const { readable, writable } = new FixedLengthStream(bytes);
  // The failure of either side is passed to the other, where the reader of the answer meets it.
  body.pipeTo(writable).catch(() => undefined);
  return readable;
}
