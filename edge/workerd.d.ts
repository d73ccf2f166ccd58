/** What workerd adds to an interface that TypeScript's own `dom` library declares first. */
interface SubtleCrypto {
  timingSafeEqual(a: ArrayBufferView, b: ArrayBufferView): boolean;
}
