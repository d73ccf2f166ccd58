/** Declares a stream's length, so that Content-Length is sent. A stream of another length fails. */
export function withLength(body: ReadableStream<Uint8Array>, bytes: number): ReadableStream<Uint8Array> {
  const { readable, writable } = new FixedLengthStream(bytes);
  // A failure on either side reaches the other, where the reader of the answer sees it.
  body.pipeTo(writable).catch(() => undefined);
  return readable;
}
