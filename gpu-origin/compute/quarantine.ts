/** Processes that may end in a row while they load a model before they are spared it. */
const crashesMax = 3;

/** Time for which a model is not loaded again that ends the process. */
const quarantineMs = 60_000;

/** Models, by digest, whose loading ends the process: left out for a while, so that the others can be served. */
export class Quarantine {
  readonly #crashes = new Map<string, number>();
  readonly #untilMs = new Map<string, number>();

  /** Takes it that the process ended while it loaded the model. */
  crashed(digest: string): void {
    const crashes = (this.#crashes.get(digest) ?? 0) + 1;
    this.#crashes.set(digest, crashes);
    if (crashes < crashesMax) return;
    this.#untilMs.set(digest, Date.now() + quarantineMs);
    // One more crash after the quarantine is enough for the next.
    this.#crashes.set(digest, crashesMax - 1);
  }

  loaded(digest: string): void {
    this.#crashes.delete(digest);
    this.#untilMs.delete(digest);
  }

  holds(digest: string): boolean {
    return (this.#untilMs.get(digest) ?? 0) > Date.now();
  }

  /** Milliseconds until the first model is let out; null when none is held. */
  get nextEndMs(): number | null {
    const ends = [...this.#untilMs.values()].map((untilMs) => untilMs - Date.now()).filter((ms) => ms > 0);
    return ends.length === 0 ? null : Math.min(...ends);
  }

  clear(): void {
    this.#crashes.clear();
    this.#untilMs.clear();
  }
}
