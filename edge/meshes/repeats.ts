import { waitUntil } from 'cloudflare:workers';
import type { Caller } from '../access/auth.ts';
import type { FleetView } from '../fleet/fleet-view.ts';
import type { MeshBody } from '../request/mesh-request.ts';
import type { Uses } from '../search/uses.ts';
import type { Manifests } from '../store/manifests.ts';
import { Memory } from '../store/memory.ts';
import type { Tenants } from '../tenant/tenants.ts';
import { hitMesh, type HitMesh } from './mesh-state.ts';

/** Bytes of requests that an isolate remembers with the keys that they were planned to have. */
const repeatsBytesMax = 2 * 1024 * 1024;

/** About the bytes that a remembered request takes beside its name. */
const plannedBytes = 512;

/** Bytes of a form beside its picture up to which its request is named: far more than most have. */
const namedFieldBytesMax = 4096;

/** A request for a public mesh, and the request key that it has with one version of the model list. */
type Planned = { name: string; key: string; listVersion: number };

const isolateMemory = new Memory<Planned>({
  bytesMax: repeatsBytesMax,
  sizeOf: ({ name }) => 2 * name.length + plannedBytes,
  now: () => Date.now(),
});

export type RepeatsOptions = { manifests: Manifests; fleet: FleetView; tenants: Tenants; uses: Uses };

/** A request that may be remembered: its name, and the version of the model list that it was asked under. */
export type Repeatable = { name: string; listVersion: number; caller: Caller };

/**
 * The keys of requests that memory answered a moment ago, so that a request that is the same in everything is not parsed
 * and planned again. Whether the mesh is still held is looked up each time.
 */
export class Repeats {
  readonly #options: RepeatsOptions;
  readonly #memory = isolateMemory;

  constructor(options: RepeatsOptions) {
    this.#options = options;
  }

  /** The request with a name under which it can be remembered; null where it can't be. */
  repeatable(request: Request, caller: Caller, body: MeshBody): Repeatable | null {
    const listVersion = this.#options.fleet.listVersion();
    const name = listVersion === null ? null : nameOf(request, caller, body);
    return listVersion === null || name === null ? null : { name, listVersion, caller };
  }

  /** The mesh of a request that memory answered before, if it holds it still; counts the use. */
  find({ name, listVersion, caller }: Repeatable): HitMesh | null {
    const planned = this.#memory.get(name);
    if (planned === null || planned.listVersion !== listVersion) return null;
    const { manifests, tenants, uses } = this.#options;
    const { key } = planned;
    const manifest = manifests.held(key);
    if (manifest === null || !(caller.isAnonymous || tenants.hasNoted(caller.tenant, key))) return null;
    uses.count(key, { waitUntil });
    return hitMesh({ manifest, tier: 'memory' });
  }

  /** Remembers the key of a request that was answered with a public mesh from memory, and asked for nothing else. */
  keep({ name, listVersion }: Repeatable, key: string): void {
    this.#memory.set(name, { name, key, listVersion });
  }
}

/** A name that two requests share only if they are the same in everything that decides their key and their answer. */
function nameOf({ headers }: Request, { tenant, defaultScope }: Caller, body: MeshBody): string | null {
  if (body.is !== 'form' || body.picture === null || headers.has('idempotency-key')) return null;
  const { parts, picture, bytes } = body;
  if (bytes - picture.bytes.byteLength > namedFieldBytesMax) return null;
  let name = `${tenant} ${defaultScope} ${picture.sha256} ${headers.get('accept') ?? ''}`;
  for (const { name: field, body: value } of parts) {
    // Nothing before this holds a line break, and the lengths tell one field from two.
    if (value !== picture.bytes) name += `\n${field.length} ${value.length} ${field}${String.fromCharCode(...value)}`;
  }
  return name;
}
