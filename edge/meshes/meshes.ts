import { type Flights, waitMsMax } from '../flight/calls.ts';
import { Problem } from '../../contract/problem.ts';
import { purge, type PurgeOptions } from '../removal/purge.ts';
import {
  flyingMesh,
  foundMesh,
  isPrivate,
  madeMesh,
  meshNotFound,
  readableBy,
  type MeshState,
  type OpenFlight,
} from './mesh-state.ts';
import type { FlightView } from '../flight/flight-record.ts';
import type { Tenants } from '../tenant/tenants.ts';

/** How often a wait begins anew when its Flight object is reset under it. */
const resetsMax = 5;

export type MeshesOptions = Omit<PurgeOptions, 'colo' | 'endFlight'> & { flights: Flights; tenants: Tenants };

/** Meshes by their request keys, as one tenant may see them: another's private mesh is `mesh_not_found`. */
export class Meshes {
  readonly #options: MeshesOptions;

  constructor(options: MeshesOptions) {
    this.#options = options;
  }

  /** The mesh of this key as it stands, the stored one before a flight; throws the Problem `mesh_not_found`. */
  async find(key: string, tenant: string): Promise<MeshState> {
    const found = await this.#options.manifests.read(key);
    return found ? readableBy(foundMesh(found), tenant) : this.current(key, tenant);
  }

  /** As `find`, but a flight before the stored mesh, which is then being made anew. */
  async current(key: string, tenant: string): Promise<MeshState> {
    return readableBy(await this.#seen(key, await this.#flight(key).peek(), 'found'), tenant);
  }

  /** Waits until a flight ends, or `waitSeconds` have passed, and tells how it stands then. */
  async wait(state: MeshState, waitSeconds: number): Promise<MeshState> {
    const untilMs = Date.now() + waitSeconds * 1000;
    let current = state;
    while (current.is === 'flying' && isFlying(current.flight)) {
      const leftMs = untilMs - Date.now();
      if (leftMs <= 0) break;
      current = await this.change(current, leftMs);
    }
    return current;
  }

  /** Waits until a flight has changed, or about `waitMs` have passed. */
  async change(state: MeshState & { is: 'flying' }, waitMs: number): Promise<MeshState> {
    const { key, cache, flight } = state;
    const status = cache.status === 'joined' ? 'joined' : 'miss';
    const call = { revision: flight.revision, waitMs: Math.min(waitMs, waitMsMax) };
    for (let resets = 0; ; resets++) {
      try {
        return await this.#seen(key, await this.#flight(key).wait(call), status);
      } catch (error) {
        // The object was reset; what it knew is in its storage, so asking again joins the same flight.
        if (error instanceof Problem || resets === resetsMax) throw error;
      }
    }
  }

  /** The tenant leaves the flight of this key, a refresh too. */
  async cancel(key: string, tenant: string): Promise<MeshState> {
    return readableBy(await this.#seen(key, await this.#flight(key).leave(tenant), 'found'), tenant);
  }

  /**
   * Takes a mesh off the tenant's list and, when it is private, its bytes and its flight away; throws the Problem
   * `mesh_not_found` when it is neither on the list nor the tenant's own.
   */
  async remove(key: string, tenant: string): Promise<void> {
    const { tenants } = this.#options;
    const listed = await tenants.listed(tenant, key);
    if (/* defence: API1-5 */ listed?.scope === 'private' || (await this.#owns(key, tenant))) {
      // Withdraw first. A later result is then refused, and the bytes of an earlier one go with the purge.
      await this.#flight(key).withdraw();
      // No location's cache has any of it, and its picture, which other flights may need, is left to the sweep.
      await purge({ by: 'id', key }, { ...this.#options, colo: null, endFlight: null });
    } else if (listed === null) {
      throw meshNotFound();
    }
    // Last, so that a call that broke off can be made again.
    await tenants.forget(tenant, key);
  }

  async #owns(key: string, tenant: string): Promise<boolean> {
    try {
      return isPrivate(await this.find(key, tenant));
    } catch (error) {
      if (error instanceof Problem && error.code === 'mesh_not_found') return false;
      throw error;
    }
  }

  async #seen(key: string, flight: FlightView, asked: 'miss' | 'joined' | 'found'): Promise<MeshState> {
    const status = asked === 'joined' ? 'joined' : 'miss';
    if (flight.is === 'completed') return madeMesh(flight.manifest, status);
    if (flight.is !== 'gone') return flyingMesh(key, flight, status);
    // A flight ends after its manifest was stored, so what is gone now may be found now.
    const { manifests } = this.#options;
    if (asked === 'found') {
      const found = await manifests.read(key);
      if (found) return foundMesh(found);
    } else {
      // A copy may be of what a refresh has replaced.
      const stored = await manifests.readTruth(key);
      if (stored) return madeMesh(stored.manifest, asked);
    }
    throw meshNotFound();
  }

  #flight(key: string) {
    return this.#options.flights.getByName(key);
  }
}

/** Whether a flight may still change. */
export function isFlying(flight: OpenFlight): boolean {
  return flight.is === 'queued' || flight.is === 'in_progress';
}
