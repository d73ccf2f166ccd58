/** Runs pieces of work of one key one after another, in the order of the calls; different keys run side by side. */
export type InOrder = <Result>(key: string, work: () => Promise<Result>) => Promise<Result>;

/** A new order; it remembers only keys whose work has not ended. */
export function createInOrder(): InOrder {
  const last = new Map<string, Promise<unknown>>();
  return (key, work) => {
    const before = last.get(key) ?? Promise.resolve();
    // The failure of earlier work is its own caller's affair.
    const result = before.then(work, work);
    last.set(key, result);
    const forget = () => {
      if (last.get(key) === result) last.delete(key);
    };
    result.then(forget, forget);
    return result;
  };
}
