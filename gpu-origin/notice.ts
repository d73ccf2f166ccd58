/** A call from one part to another that is made after it. Until somebody hears it, telling has no effect. */
export type Notice<Args extends unknown[] = []> = {
  tell: (...args: Args) => void;
  hear: (hearer: (...args: Args) => void) => void;
};

export function createNotice<Args extends unknown[] = []>(): Notice<Args> {
  const hearers: ((...args: Args) => void)[] = [];
  return {
    tell: (...args) => hearers.forEach((hearer) => hearer(...args)),
    hear: (hearer) => void hearers.push(hearer),
  };
}
