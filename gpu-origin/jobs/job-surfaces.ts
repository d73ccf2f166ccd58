import type { GeometryStore } from '../pipeline/job.ts';

/** A geometry store that can also forget. */
export type ForgettingStore = GeometryStore & { forget(keys: Iterable<string>): Promise<unknown> };

/** The store as one job sees it until its signal fires; `takeBack` forgets what the job has put there. */
export function jobSurfaces(
  store: ForgettingStore,
  signal: AbortSignal,
): GeometryStore & { takeBack(): Promise<unknown> } {
  const puts = new Map<string, Promise<void>>();
  return {
    get: (key, each) => store.get(key, each),
    put: async (key, bytes) => {
      if (signal.aborted) return;
      const put = store.put(key, bytes);
      puts.set(key, put);
      await put;
    },
    takeBack: async () => {
      await Promise.allSettled(puts.values());
      await store.forget(puts.keys());
    },
  };
}
