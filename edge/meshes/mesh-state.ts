import type { CacheOutcome, MeshManifest } from '../../contract/mesh.ts';
import { Problem } from '../../contract/problem.ts';
import { sharedScope } from '../tenant/tenant-name.ts';
import { mayRead } from './mesh-owner.ts';
import type { FlightFailure, FlightView } from '../flight/flight-record.ts';
import type { ManifestTier } from '../../contract/tiers.ts';

/** A flight that is known and not completed. */
export type OpenFlight = Exclude<FlightView, { is: 'gone' } | { is: 'completed' }>;

/** A mesh that is stored. */
export type CompletedMesh = { is: 'completed'; key: string; manifest: MeshManifest; cache: CacheOutcome };

/** A mesh that a request asked for and a tier had. */
export type HitMesh = CompletedMesh & { cache: HitOutcome };

type HitOutcome = CacheOutcome & { status: 'hit' };

/** Where a mesh stands: finished, in a flight, or known to be impossible from an earlier attempt. */
export type MeshState =
  | CompletedMesh
  | { is: 'flying'; key: string; flight: OpenFlight; cache: CacheOutcome }
  | { is: 'refused'; key: string; failure: FlightFailure };

/** A manifest that a tier had. */
export type FoundManifest = { manifest: MeshManifest; tier: ManifestTier };

/** A mesh that a request asked for and that was there: it saved the GPU's time. */
export function hitMesh(found: FoundManifest): HitMesh {
  return completedMesh(found.manifest, hitOutcome(found, found.manifest.gpuMs));
}

/** A mesh that was looked at by its id, which saves nothing. */
export function foundMesh(found: FoundManifest): CompletedMesh {
  return completedMesh(found.manifest, hitOutcome(found, 0));
}

/** A mesh that this request started or joined the flight of. */
export function madeMesh(manifest: MeshManifest, status: 'miss' | 'joined'): CompletedMesh {
  return completedMesh(manifest, missOutcome(status, manifest));
}

/** A mesh in a flight. */
export function flyingMesh(key: string, flight: OpenFlight, status: 'miss' | 'joined'): MeshState {
  return { is: 'flying', key, flight, cache: missOutcome(status, null) };
}

/** The state, if this tenant may know of it; throws the Problem `mesh_not_found` as for one that does not exist. */
export async function readableBy(state: MeshState, tenant: string): Promise<MeshState> {
  if (state.is === 'completed' && /* defence: API1-1 */ (await mayRead(state.manifest, tenant))) return state;
  if (state.is === 'flying' && (state.flight.scope === sharedScope || state.flight.scope === tenant)) return state;
  throw meshNotFound();
}

/** Whether a mesh is one tenant's alone. */
export function isPrivate(state: MeshState): boolean {
  if (state.is === 'completed') return state.manifest.owner !== undefined;
  return state.is === 'flying' && state.flight.scope !== sharedScope;
}

/** There is none, or none that the caller may know of. */
export function meshNotFound(): Problem {
  return new Problem('mesh_not_found', 'There is no mesh with this id.');
}

/** What the cache did for a request that started or joined a flight. */
export function missOutcome(status: 'miss' | 'joined', manifest: MeshManifest | null): CacheOutcome {
  return { status, tier: null, age_s: 0, saved_gpu_ms: 0, reused: manifest?.reused ?? null };
}

/** What the cache did for a request that a tier answered. */
function hitOutcome({ manifest, tier }: FoundManifest, savedGpuMs: number): HitOutcome {
  const ageSeconds = Math.max(0, Math.floor(Date.now() / 1000) - manifest.completedAtSeconds);
  return { status: 'hit', tier, age_s: ageSeconds, saved_gpu_ms: savedGpuMs, reused: manifest.reused };
}

function completedMesh<Cache extends CacheOutcome>(manifest: MeshManifest, cache: Cache) {
  return { is: 'completed' as const, key: manifest.key, manifest, cache };
}
