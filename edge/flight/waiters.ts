/** Calls that are held until something changes; they are lost with their object, and callers call again. */
export class Waiters<View> {
  readonly #waiting = new Set<(view: View) => void>();

  /** Holds a call until `wake`, or for `waitMs` and then gives what `look` sees. */
  hold(waitMs: number, look: () => View): Promise<View> {
    return new Promise((resolve) => {
      const answer = (view: View) => {
        clearTimeout(timer);
        this.#waiting.delete(answer);
        resolve(view);
      };
      const timer = setTimeout(() => answer(look()), waitMs);
      this.#waiting.add(answer);
    });
  }

  /** Gives every held call its answer. */
  wake(view: View): void {
    for (const answer of this.#waiting) answer(view);
  }
}
