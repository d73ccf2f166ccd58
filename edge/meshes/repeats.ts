import { waitUntil } from 'cloudflare:workers';
import type { MeshManifest } from '../../contract/mesh.ts';
import type { Caller } from '../access/auth.ts';
import type { Manifests } from '../store/manifests.ts';
import { Memory } from '../store/memory.ts';
import type { Uses } from '../search/uses.ts';
import type { FleetView } from '../fleet/fleet-view.ts';
import type { ModelList } from '../fleet/model-list.ts';
import { hitMesh, type HitMesh } from './mesh-state.ts';
import type { Tenants } from '../tenant/tenants.ts';

/** Bytes of requests that an isolate remembers with what each was answered with. */
const repeatsBytesMax = 2 * 1024 * 1024;

/** About what an answered request takes beside its name: nothing else may hold its manifest any more. */
const answeredBytes = 8 * 1024;

/** A hit that memory gave, and what it rests on. */
type Answered = {
  asked: string;
  manifest: MeshManifest;
  models: ModelList;
  /** The tenant that was noted to have the mesh, null for callers who own nothing. */
  notedFor: string | null;
};

const isolateMemory = new Memory<Answered>({
  bytesMax: repeatsBytesMax,
  sizeOf: ({ asked }) => 2 * asked.length + answeredBytes,
  now: () => Date.now(),
});

export type RepeatsOptions = { manifests: Manifests; fleet: FleetView; tenants: Tenants; uses: Uses };

/**
 * Requests that memory answered, so that one that asks for the very same is answered by no more than a look whether all
 * that the answer rested on still stands: the models, the manifest, and the tenant's note of it.
 */
export class Repeats {
  readonly #options: RepeatsOptions;
  readonly #memory = isolateMemory;

  constructor(options: RepeatsOptions) {
    this.#options = options;
  }

  /** The mesh that a request asks for which is named like this; counts the use. Null where it must be looked for. */
  find(asked: string): HitMesh | null {
    const answered = this.#memory.get(asked);
    if (answered === null) return null;
    const { manifests, fleet, tenants, uses } = this.#options;
    const { manifest, models, notedFor } = answered;
    const { key } = manifest;
    const stands =
      manifests.held(key) === manifest &&
      fleet.listed() === models &&
      (notedFor === null || tenants.hasNoted(notedFor, key));
    if (!stands) return null;
    uses.count(key, { waitUntil });
    return hitMesh({ manifest, tier: 'memory' });
  }

  /** What an answer that is looked for from here on may rest on, to be given to `keep`; null where nothing is known. */
  get models(): ModelList | null {
    return this.#options.fleet.listed();
  }

  /** Remembers a request that was answered with a mesh from memory, if nothing more than that was done for it. */
  keep(
    asked: string,
    { mesh: { manifest }, caller, models }: { mesh: HitMesh; caller: Caller; models: ModelList },
  ): void {
    const notedFor = caller.isAnonymous ? null : caller.tenant;
    this.#memory.set(asked, { asked, manifest, models, notedFor });
  }
}
