/**
 * What workerd adds to interfaces that TypeScript's `dom` library declares first: tests and benches, which use pages, Node and
 * the Worker's code, are typed with all three.
 */
interface CacheStorage {
  readonly default: Cache;
}

interface Crypto {
  readonly DigestStream: typeof DigestStream;
}

interface SubtleCrypto {
  timingSafeEqual(a: ArrayBufferView, b: ArrayBufferView): boolean;
}

interface ReadableStreamBYOBReader {
  readAtLeast<View extends ArrayBufferView>(minElements: number, view: View): Promise<ReadableStreamReadResult<View>>;
}
