import { z } from 'zod';
import { Sha256 } from '../../contract/digest.ts';
import { Problem } from '../../contract/problem.ts';

/** A picture or mesh that is refused for good, by its digest. */
export const Takedown = z.strictObject({
  sha256: Sha256,
  /** Why, for the operator: no client sees it. */
  reason: z.string().max(500),
  atSeconds: z.number().int(),
});
export type Takedown = z.infer<typeof Takedown>;

const prefix = 'takedowns/';

const takedownsPerPage = 100;

/** The digests that were taken down, `takedowns/<sha256>` in R2. */
export class Takedowns {
  readonly #r2: R2Bucket;

  constructor(r2: R2Bucket) {
    this.#r2 = r2;
  }

  /**
   * Refuses a digest from now on, where bytes and manifests enter and where something is not found: what is already
   * stored must be purged too. The list is in R2 alone, which every miss reaches and no hit needs.
   */
  async add(takedown: Takedown): Promise<void> {
    await this.#r2.put(prefix + takedown.sha256, JSON.stringify(takedown));
  }

  /** Takes a digest off the list. */
  async remove(sha256: string): Promise<void> {
    await this.#r2.delete(prefix + sha256);
  }

  /** Throws the Problem `taken_down` when any of these digests is on the list. */
  async refuse(digests: readonly string[]): Promise<void> {
    const entries = await Promise.all(digests.map((sha256) => this.#r2.head(prefix + sha256)));
    if (entries.some((entry) => entry !== null)) {
      throw new Problem('taken_down', 'This picture or mesh was taken down and is not served.');
    }
  }

  /** One page of the list, and where the next begins (null: it has ended). */
  async list(cursor: string | null): Promise<{ takedowns: Takedown[]; cursor: string | null }> {
    const page = await this.#r2.list({ prefix, ...(cursor !== null && { cursor }), limit: takedownsPerPage });
    const objects = await Promise.all(page.objects.map(({ key }) => this.#r2.get(key)));
    const texts = await Promise.all(objects.map((object) => object?.json()));
    return {
      takedowns: texts.filter((text) => text !== undefined).map((text) => Takedown.parse(text)),
      cursor: page.truncated ? page.cursor : null,
    };
  }
}

/** Gives this where something was refused since it was taken down, to be used in a `catch`; other errors go on. */
export function unlessTakenDown<T>(instead: T): (error: unknown) => T {
  return (error) => {
    if (isTakenDown(error)) return instead;
    throw error;
  };
}

/** Whether this is what `refuse` throws. */
export function isTakenDown(error: unknown): error is Problem & { code: 'taken_down' } {
  return error instanceof Problem && error.code === 'taken_down';
}
