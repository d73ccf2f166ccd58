import { purge } from './purge.ts';
import { rowOf } from '../search/mesh-row.ts';
import type { SweepOptions } from './sweep-options.ts';

/** Meshes that one run removes: each takes some 20 calls to storage. */
const expiredMax = 50;

/** How long the bytes of an expired mesh stay, so that downloads of what was just answered end well. */
const expiredKeptSeconds = 10 * 60;

/** Removes meshes that expired a while ago, with the bytes that no other has; their number. */
export async function sweepExpired(nowSeconds: number, options: SweepOptions): Promise<number> {
  const { index, manifests, surfaces, flights } = options;
  const beforeSeconds = nowSeconds - expiredKeptSeconds;
  let removed = 0;
  for (const key of await index.expiredKeys({ beforeSeconds, max: expiredMax })) {
    const flight = await flights.getByName(key).peek();
    // It is being made again: what is stored gives way to that.
    if (flight.is === 'queued' || flight.is === 'in_progress') continue;
    const manifest = await manifests.readKept(key);
    if (manifest !== null && (manifest.expiresAtSeconds ?? Infinity) >= beforeSeconds) {
      await index.write([await rowOf(manifest, surfaces)]); // the row was older than the mesh
      continue;
    }
    await purge({ by: 'id', key }, { ...options, colo: null, endFlight: null });
    removed++;
  }
  return removed;
}
