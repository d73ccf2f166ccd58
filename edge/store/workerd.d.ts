/** What workerd adds to interfaces that TypeScript's own `dom` library declares first. */
interface CacheStorage {
  readonly default: Cache;
}

interface Crypto {
  readonly DigestStream: typeof DigestStream;
}
