import type { Background } from '../store/tiers.ts';
import type { MeshIndex } from './mesh-index.ts';

/** Pause in milliseconds between the first use and the write of all that came meanwhile. */
const flushMs = 1000;

/** Keys that one write takes; uses of others in the same second are not counted. */
const keysMax = 500;

/** A flush that has not been heard of for so long, in milliseconds, ended with the request that carried it. */
const flushMsMax = 30_000;

/**
 * Counts requests that were answered with a finished mesh, in this isolate, and writes the sums to the index in the
 * background. What an isolate that is ended has not written is lost: the counts are good enough to rank by.
 */
export class Uses {
  readonly #index: MeshIndex;
  #counts = new Map<string, number>();
  #flushBegunMs = -Infinity;

  constructor(index: MeshIndex) {
    this.#index = index;
  }

  /** Counts one use. */
  count(key: string, background: Background): void {
    if (this.#counts.size >= keysMax && !this.#counts.has(key)) return;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    if (Date.now() - this.#flushBegunMs < flushMsMax) return;
    this.#flushBegunMs = Date.now();
    background.waitUntil(this.#flushLater());
  }

  async #flushLater(): Promise<void> {
    await scheduler.wait(flushMs);
    const counts = this.#counts;
    this.#counts = new Map();
    this.#flushBegunMs = -Infinity;
    try {
      await this.#index.addUses(counts, Math.floor(Date.now() / 1000));
    } catch (error) {
      console.error(JSON.stringify({ event: 'uses_not_written', keys: counts.size, error: String(error) }));
    }
  }
}
