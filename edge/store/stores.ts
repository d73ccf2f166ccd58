import { Blobs } from './blobs.ts';
import { DamageNotes } from './damage-notes.ts';
import { Entries } from './index-entries.ts';
import { InputStore } from './input-store.ts';
import { Manifests } from './manifests.ts';
import { ModelListCopy } from './model-list-copy.ts';
import { Surfaces } from './surfaces.ts';
import { Takedowns } from './takedowns.ts';

/** The bindings that hold what is stored. */
export type StoreBindings = { STORE: R2Bucket; MANIFESTS: KVNamespace };

/** What is stored, by its kind. No other room sees R2, KV or the Cache API. */
export type Stores = ReturnType<typeof openStores>;

/** Opens the stores; this is where each is given its bucket. */
export function openStores({ STORE: r2, MANIFESTS: kv }: StoreBindings) {
  const takedowns = new Takedowns(r2);
  return {
    blobs: new Blobs(r2, takedowns),
    damageNotes: new DamageNotes(r2),
    entries: new Entries(r2),
    inputs: new InputStore(r2),
    manifests: new Manifests({ kv, r2 }),
    modelList: new ModelListCopy(kv),
    surfaces: new Surfaces(r2),
    takedowns,
  };
}
