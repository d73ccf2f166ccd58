import { createHash } from 'node:crypto';

/** SHA-256 of bytes, or of a string's UTF-8 form, in hexadecimal. Synchronous: the caller's own thread computes it. */
export function digestOf(data: Uint8Array | string): string {
  return createHash('sha256').update(data).digest('hex');
}

/** The same digest as 32 bytes. */
export function digestBytesOf(data: Uint8Array | string): Buffer {
  return createHash('sha256').update(data).digest();
}
