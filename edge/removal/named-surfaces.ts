import { theFleet, type FleetObjects } from '../fleet/calls.ts';
import type { Stores } from '../store/stores.ts';
import type { Surface } from '../store/surfaces.ts';

type NamedSurfacesOptions = Pick<Stores, 'surfaces' | 'entries'> & { fleets: FleetObjects };

/**
 * Surfaces by their geometry keys. One is kept and given only while a mesh in R2's index names it, since a purge finds
 * no others.
 */
export class NamedSurfaces {
  readonly #options: NamedSurfacesOptions;

  constructor(options: NamedSurfacesOptions) {
    this.#options = options;
  }

  /** The surface of this key, or null. */
  async read(key: string): Promise<Surface | null> {
    const surface = await this.#options.surfaces.read(key);
    if (surface === null) return null;
    // An origin that has heard of its removal must not get it back before R2 has done it.
    if (!(await this.#isNamed(key))) {
      await surface.body.cancel();
      return null;
    }
    const { sha256, ...stored } = surface;
    if (sha256 === null) throw new Error(`geometry ${key} was stored without a digest; this is a bug`);
    return { sha256, ...stored };
  }

  /**
   * Keeps a surface unless the key has one or no mesh names it; throws the Problem `digest_mismatch`, and then nothing is
   * stored. What is not kept is left unread and not cancelled: cancelling would break the connection before the answer.
   */
  async create(key: string, surface: Surface): Promise<{ stored: boolean }> {
    const { surfaces } = this.#options;
    const [present, named] = await Promise.all([surfaces.bytesOf(key), this.#isNamed(key)]);
    if (present !== null || !named || !(await surfaces.put(key, surface)).stored) return { stored: false };
    if (await this.#isNamed(key)) return { stored: true };
    // Its last mesh went while it came, and whoever removed that found nothing here.
    await this.remove([key]);
    return { stored: false };
  }

  /**
   * Removes surfaces here, and from the disk of each origin when it next reports. The origins' list comes first, so
   * that a call which broke off leaves no origin untold.
   */
  async remove(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    // defence: API10-7
    await theFleet(this.#options.fleets).noteRemoved(keys);
    await this.#options.surfaces.remove(keys);
  }

  /** Removes those of these surfaces that are stored and that no mesh names. */
  async removeUnnamed(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      if ((await this.#options.surfaces.bytesOf(key)) !== null && !(await this.#isNamed(key))) await this.remove([key]);
    }
  }

  async #isNamed(key: string): Promise<boolean> {
    return (await this.#options.entries.keys({ by: 'geometry', value: key, max: 1 })).keys.length > 0;
  }
}
