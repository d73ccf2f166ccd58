import { hex, sha256 } from '../contract/digest.ts';
import { contractVersion, isUnrepeatable, meshParams, pipelineVersion, requestKey } from '../contract/key.ts';
import type { MeshManifest, CacheOutcome } from '../contract/mesh.ts';
import type { Model } from '../contract/model.ts';
import { Problem } from '../contract/problem.ts';
import type { Manifests } from './cache/manifests.ts';
import type { FleetView } from './fleet-view.ts';
import type { InputStore } from './input-store.ts';
import { hitOutcome, missOutcome, type OpenFlight } from './mesh-object.ts';
import { findModel, makesMeshes } from './model-list.ts';
import { waitMsMax, type Flight } from './objects/flight.ts';
import { flightOf } from './objects/flight-calls.ts';
import type { FlightFailure, FlightView, JobDraft } from './objects/flight-record.ts';
import type { PostedMesh } from './request/mesh-request.ts';

/** Where a mesh stands: finished, in a flight, or known to be impossible from an earlier attempt. */
export type MeshState =
  | { is: 'completed'; key: string; manifest: MeshManifest; cache: CacheOutcome }
  | { is: 'flying'; key: string; flight: OpenFlight; cache: CacheOutcome }
  | { is: 'refused'; key: string; failure: FlightFailure };

/** Life in seconds of a result that no other request can find. */
const unrepeatableLifeSeconds = 3600;

const sharedScope = 'shared';
const nonceBytes = 16;

/** How often a wait begins anew when its Flight object is reset under it. */
const resetsMax = 5;

export type MeshMakerOptions = {
  manifests: Manifests;
  inputs: InputStore;
  fleet: FleetView;
  flights: DurableObjectNamespace<Flight>;
  defaultModel: string;
};

/** Finds meshes in the cache tiers and starts, watches and leaves the flights of those that are not there. */
export class MeshMaker {
  readonly #options: MeshMakerOptions;

  constructor(options: MeshMakerOptions) {
    this.#options = options;
  }

  /**
   * Answers a request from the tiers, or joins the flight of its key. Throws the Problems `model_not_found`,
   * `not_cached` (for `only_if_cached`) and `no_origin` (when no origin has ever reported a model).
   */
  async make(posted: PostedMesh, tenant: string): Promise<MeshState> {
    const { manifests, fleet, inputs, flights, defaultModel } = this.#options;
    const name = posted.request.model;
    const imageSha256 = await sha256(posted.image);
    const listed = requireModel(await fleet.findModel(name, defaultModel), name);
    let job = await newJob(posted, { model: listed, imageSha256, tenant });
    const found = await manifests.read(job.key);
    if (found) return hit(found);
    if (posted.request.cache.mode === 'only_if_cached') {
      throw new Problem('not_cached', 'This mesh is not in the cache, and cache.mode is "only_if_cached".');
    }
    const current = requireModel(findModel(await fleet.currentModels(), name, defaultModel), name);
    if (current.digest !== listed.digest) {
      // The listed model was replaced a moment ago; a job for it would wait for an origin that never comes.
      job = await newJob(posted, { model: current, imageSha256, tenant });
      const foundNow = await manifests.read(job.key);
      if (foundNow) return hit(foundNow);
    }
    await inputs.put({ sha256: imageSha256, bytes: posted.image, mediaType: posted.mediaType });
    const joined = await flightOf(flights, job.key).join({ job, tenant });
    if (joined.is === 'stored') return hit({ manifest: joined.manifest, tier: 'r2' });
    if (joined.is === 'refused') return { is: 'refused', key: job.key, failure: joined.failure };
    return this.#seen(job.key, joined.flight, joined.status);
  }

  /** The mesh of this key as it stands; throws the Problem `mesh_not_found`. */
  async find(key: string): Promise<MeshState> {
    const found = await this.#options.manifests.read(key);
    if (found) return completed(found.manifest, hitOutcome(found, 0));
    return this.#seen(key, await flightOf(this.#options.flights, key).peek(), 'found');
  }

  /** Waits until a flight ends, or `waitSeconds` have passed, and tells how it stands then. */
  async wait(state: MeshState, waitSeconds: number): Promise<MeshState> {
    const untilMs = Date.now() + waitSeconds * 1000;
    let current = state;
    let resets = 0;
    while (current.is === 'flying' && isFlying(current.flight)) {
      const leftMs = untilMs - Date.now();
      if (leftMs <= 0) break;
      const { key, cache, flight } = current;
      const status = cache.status === 'joined' ? 'joined' : 'miss';
      try {
        const call = { revision: flight.revision, waitMs: Math.min(leftMs, waitMsMax) };
        current = await this.#seen(key, await flightOf(this.#options.flights, key).wait(call), status);
      } catch (error) {
        // The object was reset; what it knew is in its storage, so asking again joins the same flight.
        if (error instanceof Problem || ++resets > resetsMax) throw error;
      }
    }
    return current;
  }

  /** The tenant leaves the flight of this key. */
  async cancel(key: string, tenant: string): Promise<MeshState> {
    const state = await this.find(key);
    return state.is === 'flying'
      ? this.#seen(key, await flightOf(this.#options.flights, key).leave(tenant), 'found')
      : state;
  }

  async #seen(key: string, flight: FlightView, asked: 'miss' | 'joined' | 'found'): Promise<MeshState> {
    const status = asked === 'joined' ? 'joined' : 'miss';
    if (flight.is === 'completed') return completed(flight.manifest, missOutcome(status, flight.manifest));
    if (flight.is !== 'gone') return { is: 'flying', key, flight, cache: missOutcome(status, null) };
    // A flight ends after its manifest was stored, so what is gone now may be found now.
    const found = await this.#options.manifests.read(key);
    if (!found) throw new Problem('mesh_not_found', 'There is no mesh with this id.');
    const { manifest } = found;
    return completed(manifest, asked === 'found' ? hitOutcome(found, 0) : missOutcome(asked, manifest));
  }
}

async function newJob(
  { request, image }: PostedMesh,
  { model, imageSha256, tenant }: { model: Model; imageSha256: string; tenant: string },
): Promise<JobDraft> {
  const params = meshParams(request, model);
  const unrepeatable = isUnrepeatable(request, model);
  const nonce = unrepeatable ? randomText() : null;
  const identity = { id: model.id, digest: model.digest };
  return {
    contract: contractVersion,
    pipeline: pipelineVersion,
    key: await requestKey({ model: identity, imageSha256, params, scope: sharedScope, nonce }),
    model: identity,
    params,
    imageSha256,
    imageBytes: image.byteLength,
    scope: sharedScope,
    tenant,
    priority: request.priority,
    expiresInSeconds: unrepeatable ? unrepeatableLifeSeconds : null,
  };
}

function requireModel(model: Model | null, name: string): Model {
  if (model !== null && makesMeshes(model)) return model;
  const message = model === null ? `The model "${name}" does not exist.` : `The model "${name}" makes no meshes.`;
  throw new Problem('model_not_found', message, { param: 'model' });
}

function hit(found: { manifest: MeshManifest; tier: 'memory' | 'kv' | 'r2' }): MeshState {
  return completed(found.manifest, hitOutcome(found, found.manifest.gpuMs));
}

function completed(manifest: MeshManifest, cache: CacheOutcome): MeshState {
  return { is: 'completed', key: manifest.key, manifest, cache };
}

function isFlying(flight: OpenFlight): boolean {
  return flight.is === 'queued' || flight.is === 'in_progress';
}

function randomText(): string {
  return hex(crypto.getRandomValues(new Uint8Array(nonceBytes)));
}
