/** A picture as it was sent. */
export type Picture = Uint8Array<ArrayBuffer>;

/**
 * The largest picture that goes to its first origin from memory, in bytes, while it is being stored: an origin has it
 * earlier by a write and a read of R2. A larger one is stored first.
 */
export const carriedBytesMax = 1024 * 1024;

/** What an isolate carries at once, since its objects share one memory; what comes beyond is read from R2. */
const isolateBytesMax = 16 * 1024 * 1024;

let carriedBytes = 0;

/** Does work with a picture, or with null where there is none or this isolate carries too many. */
export async function carry(picture: Picture | null, work: (picture: Picture | null) => Promise<void>): Promise<void> {
  if (picture === null || carriedBytes + picture.byteLength > isolateBytesMax) return work(null);
  carriedBytes += picture.byteLength;
  try {
    await work(picture);
  } finally {
    carriedBytes -= picture.byteLength;
  }
}
