import type { SurfaceStore } from './make-mesh.ts';

/** A geometry store that can also forget. */
export type ForgettingStore = SurfaceStore & { forget(keys: Iterable<string>): Promise<unknown> };

/** The store as one job sees it; `takeBack` forgets what the job has put there, and takes no more of it. */
export function jobSurfaces(store: ForgettingStore): SurfaceStore & { takeBack(): Promise<unknown> } {
  const puts = new Map<string, Promise<void>>();
  let takenBack = false;
  return {
    get: (key, each) => store.get(key, each),
    put: async (key, bytes) => {
      if (takenBack) return;
      const put = store.put(key, bytes);
      puts.set(key, put);
      await put;
    },
    takeBack: async () => {
      takenBack = true;
      await Promise.allSettled(puts.values());
      await store.forget(puts.keys());
    },
  };
}
