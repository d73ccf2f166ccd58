import { signatureAgeSecondsMax } from '../../contract/signature.ts';
import { Problem } from '../../contract/problem.ts';

/** Nonces remembered at once: about 1,600 calls a second for the time that a signature is valid; some 100 bytes each. */
const noncesMax = 500_000;

/**
 * The nonces of calls whose signature held. They are in memory only: after a restart a recorded call could be sent once
 * more within its five minutes. docs/operations.md says what that could do.
 */
export class Nonces {
  /** Second at which the signature is too old by itself, by nonce, in order of arrival. */
  readonly #expiries = new Map<string, number>();

  /** Remembers a nonce; throws `invalid_signature` for one that was seen, `rate_limit_exceeded` when there is no room. */
  spend(nonce: string, timestampSeconds: number): void {
    const nowSeconds = Date.now() / 1000;
    for (const [old, expiry] of this.#expiries) {
      if (expiry > nowSeconds) break;
      this.#expiries.delete(old);
    }
    if (this.#expiries.has(nonce)) throw new Problem('invalid_signature', 'This signed call was seen before.');
    if (this.#expiries.size >= noncesMax) {
      throw new Problem('rate_limit_exceeded', 'Too many signed calls.', { retryAfterSeconds: 1 });
    }
    this.#expiries.set(nonce, timestampSeconds + signatureAgeSecondsMax + 1);
  }
}
