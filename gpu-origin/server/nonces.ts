import { appendFile, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { signatureAgeSecondsMax } from '../../contract/signature.ts';
import { Problem } from '../../contract/problem.ts';
import { problemOfWrite } from '../disk/disk-full.ts';
import { syncFolderOf } from '../disk/durable-file.ts';

/** Nonces remembered at once: about 1,600 calls a second for the time that a signature is valid; some 100 bytes each. */
const noncesMax = 500_000;

/** Seconds whose calls share a file. */
const fileSeconds = 600;

/** Longest time in seconds that a nonce matters: the caller's clock may be ahead by as much as a signature may be old. */
const lifeSecondsMax = 2 * signatureAgeSecondsMax + 1;

/** A nonce and the second at which its signature is too old by itself. */
const record = /^([0-9a-f]{32}) (\d{1,12})$/;

/**
 * The nonces of calls whose signature held, in memory and in a folder, so that a restart forgets none: lines of 44 bytes
 * in a file for every ten minutes. When the last of its signatures is too old, the next start, or file, removes it.
 */
export class Nonces {
  readonly #folder: string;
  /** Second at which the signature is too old by itself, by nonce, in order of arrival. */
  readonly #expiries = new Map<string, number>();
  #file = '';

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Takes up what an earlier process has seen. */
  async recover(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    for (const file of await this.#filesInForce()) {
      for (const line of (await readFile(join(this.#folder, file), 'utf8')).split('\n')) {
        const [, nonce, expiry] = record.exec(line) ?? []; // no match: a line that a power cut tore, of a call not acted on
        // defence: API2-8
        if (nonce !== undefined) this.#expiries.set(nonce, Number(expiry));
      }
    }
  }

  /**
   * Remembers a nonce; when it returns, the nonce outlasts a power cut. Throws `invalid_signature` for one that was seen,
   * `rate_limit_exceeded` when too many are remembered, `no_origin` when the disk is full: a call that could come a second
   * time after a restart is not acted on.
   */
  async spend(nonce: string, timestampSeconds: number): Promise<void> {
    const nowSeconds = Date.now() / 1000;
    for (const [old, expiry] of this.#expiries) {
      if (expiry > nowSeconds) break;
      this.#expiries.delete(old);
    }
    if (this.#expiries.has(nonce)) throw new Problem('invalid_signature', 'This signed call was seen before.');
    if (this.#expiries.size >= noncesMax) {
      throw new Problem('rate_limit_exceeded', 'Too many signed calls.', { retryAfterSeconds: 1 });
    }
    const expiry = timestampSeconds + signatureAgeSecondsMax + 1;
    this.#expiries.set(nonce, expiry);
    const file = String(Math.floor(nowSeconds / fileSeconds));
    // The line's end comes first, so that a torn line spoils no other.
    try {
      await appendFile(join(this.#folder, file), `\n${nonce} ${expiry}`, { flush: true });
      if (file !== this.#file) await this.#begin(file);
    } catch (error) {
      throw problemOfWrite(error);
    }
  }

  async #begin(file: string): Promise<void> {
    await syncFolderOf(join(this.#folder, file));
    this.#file = file;
    await this.#filesInForce();
  }

  /** The files of which a signature may still hold, oldest first; the others are removed. */
  async #filesInForce(): Promise<string[]> {
    const oldest = Math.floor((Date.now() / 1000 - lifeSecondsMax) / fileSeconds);
    const files = await readdir(this.#folder);
    for (const file of files) if (Number(file) < oldest) await rm(join(this.#folder, file), { force: true });
    return files.filter((file) => Number(file) >= oldest).toSorted((a, b) => Number(a) - Number(b));
  }
}
