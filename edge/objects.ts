/**
 * The Durable Objects of one class, each by its name, as the calls that they take: `flights.getByName(key).peek()`. A
 * stub belongs to the request that made it, so it is never kept.
 */
export type Objects<Calls> = { getByName(name: string): Stub<Calls> };

/** A call travels, so each answer is a promise. The types of a class's own stub turn the tuples of a manifest into arrays. */
export type Stub<Calls> = {
  [Name in keyof Calls]: Calls[Name] extends (...args: infer Args) => infer Answer
    ? (...args: Args) => Promise<Awaited<Answer>>
    : never;
};
