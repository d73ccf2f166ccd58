import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Hmac, IsHmac } from '../contract/signature.ts';

/**
 * HMAC-SHA-256 on this thread: Node's Web Crypto takes its turn in the pool behind files that are synced, twice for each
 * signature.
 */
export const hmacAtOnce: Hmac = (secret, text) => createHmac('sha256', secret).update(text).digest();

/** Whether this is the HMAC-SHA-256 of a text, on this thread too. */
export const isHmacAtOnce: IsHmac = (mac, secret, text) =>
  timingSafeEqual(mac, createHmac('sha256', secret).update(text).digest());
