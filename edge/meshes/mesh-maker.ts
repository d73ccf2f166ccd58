import type { Flights } from '../flight/calls.ts';
import { waitUntil } from 'cloudflare:workers';
import { sha256 } from '../../contract/digest.ts';
import { makesMeshes, type Model } from '../../contract/model.ts';
import { Problem } from '../../contract/problem.ts';
import { promptInputBytes } from '../../contract/prompt.ts';
import type { MeshRequest } from '../../contract/request.ts';
import type { Trace } from '../../contract/trace.ts';
import type { Caller } from '../access/auth.ts';
import type { Manifests } from '../store/manifests.ts';
import type { Takedowns } from '../store/takedowns.ts';
import { sharedScope } from '../tenant/tenant-name.ts';
import { notForwarded } from '../http/cache-status.ts';
import type { FleetView } from '../fleet/fleet-view.ts';
import type { MeshIndex } from '../search/mesh-index.ts';
import type { Uses } from '../search/uses.ts';
import type { InputStore } from '../store/input-store.ts';
import { limitProblem, type Budget } from '../tenant/budget.ts';
import { fingerprint, planJob, type InputName, type JobPlan } from './job-plan.ts';
import { flyingMesh, hitMesh, madeMesh, type MeshState } from './mesh-state.ts';
import { findModel } from '../fleet/model-list.ts';
import type { Joined } from '../flight/flight-record.ts';
import { carriedBytesMax } from '../flight/carried-picture.ts';
import type { PostedImage, PostedMesh } from '../request/mesh-request.ts';
import type { KeyStore } from '../access/key-store.ts';
import { refuseUnpaid } from './refuse-unpaid.ts';
import type { Tenants } from '../tenant/tenants.ts';

export type MeshMakerOptions = {
  manifests: Manifests;
  inputs: InputStore;
  fleet: FleetView;
  flights: Flights;
  tenants: Tenants;
  /** Where a miss asks whether its key has ended a moment ago. */
  keyStore: KeyStore;
  index: MeshIndex;
  uses: Uses;
  takedowns: Takedowns;
  defaultModel: string;
};

/** Who asks, in which trace: what every call of `make` comes with. */
type Asking = { caller: Caller; name: string | null; trace: Trace };

/** A request with who makes it: `name` is its idempotency key, `imageSha256` its picture's digest; null where it has none. */
type Asked = { posted: PostedMesh; imageSha256: string | null } & Asking;

/** What a request stands for at one time: its model, and the one that draws prompts (null: no origin takes them). */
type Found = { model: Model; textToImageModel: string | null };

/** What a request came to, and where the budget stands of who pays for a miss; null where that is not known. */
type Made = { state: MeshState; budget: Budget | null };

/** Finds what is asked for in the cache tiers, or starts or joins its flight. */
export class MeshMaker {
  readonly #options: MeshMakerOptions;

  constructor(options: MeshMakerOptions) {
    this.#options = options;
  }

  /**
   * Answers a request from the tiers, or joins the flight of its key. Throws the Problems `model_not_found`,
   * `insufficient_scope`, `image_required`, `idempotency_key_reused`, `taken_down`, `not_cached` (for
   * `only_if_cached`), `insufficient_quota`, `rate_limit_exceeded` (for too many misses at once), `unsupported_parameter`
   * (a prompt where no origin takes any) and `no_origin` (when no origin has ever reported a model).
   */
  async make(posted: PostedMesh, { caller, name, trace }: Asking): Promise<Made> {
    const { manifests, fleet, defaultModel } = this.#options;
    const { request } = posted;
    // defence: API5-2
    refuseSharedRefresh(posted, caller);
    if (caller.isAnonymous) refuseOwnThings(posted, name);
    const asked = { posted, caller, imageSha256: await this.#digestOf(posted.image, caller), name, trace };
    const listed = requireModel(await fleet.findModel(request.model, defaultModel), request.model);
    const planned = await this.#plan(asked, {
      model: listed,
      textToImageModel: await this.#textToImageModel(posted, { current: false }),
    });
    const repeat = name === null ? null : await this.#claim(asked, { name, plan: planned });
    let plan = repeat?.plan ?? planned;
    const refreshing = request.cache.mode === 'refresh';
    const found = refreshing ? null : await manifests.read(plan.key);
    if (found) return { state: await this.#answered(asked, plan, hitMesh(found)), budget: null };
    if (request.cache.mode === 'only_if_cached') {
      const headers = { 'cache-status': notForwarded };
      throw new Problem('not_cached', 'This mesh is not in the cache, and cache.mode is "only_if_cached".', {
        headers,
      });
    }
    const current = {
      model: requireModel(findModel(await fleet.currentModels(), request.model, defaultModel), request.model),
      textToImageModel: await this.#textToImageModel(posted, { current: true }),
    };
    const replaced = (current.textToImageModel ?? undefined) !== plan.textToImageModel;
    if (replaced || current.model.digest !== plan.model.digest) {
      // The listed model was replaced a moment ago; a job for it would wait for an origin that never comes.
      plan = await this.#plan(asked, current);
      const foundNow = refreshing ? null : await manifests.read(plan.key);
      if (foundNow) return { state: await this.#answered(asked, plan, hitMesh(foundNow)), budget: null };
    }
    const joined = await this.#join(asked, plan, { refreshing: refreshing && repeat?.refreshed !== true });
    if (joined.is === 'limited') throw limitProblem(joined.by);
    if (joined.is === 'refused') {
      return { state: { is: 'refused', key: plan.key, failure: joined.failure }, budget: null };
    }
    const budget = joined.is === 'flying' ? joined.budget : null;
    return { state: await this.#answered(asked, plan, stateOf(plan.key, joined)), budget };
  }

  /** The digest of the picture, null for a prompt; one that is only named must be one that this very tenant has sent. */
  async #digestOf(image: PostedImage, { tenant, isAnonymous }: Caller): Promise<string | null> {
    if (image.is === 'prompt') return null;
    if (image.is === 'sent') return image.sha256;
    // What the anonymous have sent belongs to no one of them.
    if (!isAnonymous && /* defence: API1-2 */ (await this.#options.tenants.knowsImage(tenant, image.sha256)))
      return image.sha256;
    throw imageRequired();
  }

  /** The model that is to draw a prompt; null for a picture, and where no origin takes prompts. */
  async #textToImageModel({ image }: PostedMesh, age: { current: boolean }): Promise<string | null> {
    return image.is === 'prompt' ? this.#options.fleet.textToImageModel(age) : null;
  }

  async #plan({ posted, caller, imageSha256 }: Asked, { model, textToImageModel }: Found): Promise<JobPlan> {
    const { request } = posted;
    const input = imageSha256 === null ? await this.#namePrompt(posted, textToImageModel) : { imageSha256 };
    return planJob(request, { model, input, scope: scopeOf(request, caller), tenant: caller.tenant });
  }

  /** A prompt stands for another picture with each model that draws it. */
  async #namePrompt(posted: PostedMesh, textToImageModel: string | null): Promise<InputName> {
    if (textToImageModel === null) {
      const message = 'No origin here turns prompts into pictures; send a picture in "image".';
      throw new Problem('unsupported_parameter', message, { param: 'prompt' });
    }
    return { imageSha256: await sha256(promptBytes(posted.image, textToImageModel)), textToImageModel };
  }

  async #claim({ posted, caller, imageSha256 }: Asked, { name, plan }: { name: string; plan: JobPlan }) {
    const print = await fingerprint(posted.request, imageSha256);
    return this.#options.tenants.claim(caller.tenant, { name, fingerprint: print, plan });
  }

  async #join(asked: Asked, plan: JobPlan, { refreshing }: { refreshing: boolean }): Promise<Joined> {
    const { flights, tenants, keyStore, takedowns } = this.#options;
    const { caller, name, trace } = asked;
    // defence: API2-2
    if (caller.storedKey !== null) await keyStore.confirm(caller.storedKey);
    // defence: API6-2
    await takedowns.refuse([plan.imageSha256]);
    const flight = flights.getByName(plan.key);
    const payer = { tenant: caller.tenant, account: caller.account };
    const picture = carriedPicture(asked.posted.image);
    if (picture === null) await refuseUnpaid({ key: plan.key, payer }, this.#options);
    // A small picture is stored while its origin is at work on it.
    const imageBytes = picture === null ? await this.#keepInput(asked, plan) : picture.byteLength;
    const flown = { job: { ...plan, imageBytes, trace }, payer, picture };
    const joined = await (refreshing ? flight.refresh(flown) : flight.join(flown));
    if (joined.is === 'flying') {
      // An object that is reset breaks its calls and their stubs, and the flight flies on in the next one.
      const announced = flight.announce().catch(() => flights.getByName(plan.key).announce());
      await Promise.all([announced, picture === null ? null : this.#keepInput(asked, plan)]);
    }
    if (refreshing && name !== null && joined.is === 'flying') await tenants.noteRefreshed(caller.tenant, name);
    return joined;
  }

  /** Sees that the picture or prompt is stored for as long as a flight may need it; its length in bytes. */
  async #keepInput({ posted: { image } }: Asked, { imageSha256, textToImageModel }: JobPlan): Promise<number> {
    const { inputs } = this.#options;
    if (image.is === 'prompt') {
      const bytes = promptBytes(image, textToImageModel);
      await inputs.put({ sha256: imageSha256, bytes, mediaType: 'application/json' });
      return bytes.byteLength;
    }
    if (image.is === 'known') {
      const bytes = await inputs.renew(imageSha256);
      if (bytes === null) throw imageRequired();
      return bytes;
    }
    await inputs.put({ sha256: imageSha256, bytes: image.bytes, mediaType: image.mediaType });
    return image.bytes.byteLength;
  }

  /** Tags the mesh, and puts it on the tenant's list: before the answer where that promises something, else after it. */
  async #answered(asked: Asked, plan: JobPlan, state: MeshState): Promise<MeshState> {
    const { posted, caller, imageSha256 } = asked;
    const { metadata, cache } = posted.request;
    await this.#options.index.tag(plan.key, cache.tags);
    if (state.is === 'completed') this.#options.uses.count(plan.key, { waitUntil });
    if (caller.isAnonymous) return state;
    const mesh = {
      key: plan.key,
      model: plan.model.id,
      outputFormat: plan.params.output_format,
      scope: plan.scope === sharedScope ? 'shared' : 'private',
      metadata,
    } as const;
    const note = { mesh, imageSha256 };
    const promises = state.is === 'flying' || Object.keys(metadata).length > 0;
    if (promises) await this.#options.tenants.note(caller.tenant, note);
    else this.#options.tenants.noteLater(caller.tenant, note, { waitUntil });
    return state;
  }
}

/** What goes to an origin from memory, null for what is stored first. */
function carriedPicture(image: PostedImage): Uint8Array<ArrayBuffer> | null {
  return image.is === 'sent' && image.bytes.byteLength <= carriedBytesMax ? image.bytes : null;
}

function promptBytes(image: PostedImage, model: string | undefined): Uint8Array<ArrayBuffer> {
  if (image.is === 'prompt' && model !== undefined) return promptInputBytes({ model, prompt: image.prompt });
  throw new Error('a picture was taken for a prompt; this is a bug');
}

function stateOf(key: string, joined: Extract<Joined, { is: 'stored' | 'flying' }>): MeshState {
  if (joined.is === 'stored') return hitMesh({ manifest: joined.manifest, tier: 'r2' });
  const { flight, status } = joined;
  if (flight.is === 'gone') throw new Error('a flight was gone as it was joined; this is a bug');
  return flight.is === 'completed' ? madeMesh(flight.manifest, status) : flyingMesh(key, flight, status);
}

/** `shared`, or the tenant, whose name then keeps everyone else from the key. */
function scopeOf({ cache }: MeshRequest, { tenant, defaultScope }: Caller): string {
  return (cache.scope ?? defaultScope) === 'private' ? tenant : sharedScope;
}

/** A refresh costs GPU time and changes what others get, so that of a shared mesh is the operator's. */
function refuseSharedRefresh({ request, nameOf }: PostedMesh, caller: Caller): void {
  if (request.cache.mode !== 'refresh' || caller.isAdmin || scopeOf(request, caller) !== sharedScope) return;
  const message = 'Refreshing a shared mesh needs a key with the scope "admin"; a private one does not.';
  throw new Problem('insufficient_scope', message, { param: nameOf(['cache', 'mode']) });
}

/** What is kept as a tenant's own would be shared by all who have no key. */
function refuseOwnThings({ request, nameOf }: PostedMesh, name: string | null): void {
  const own: readonly [asked: boolean, param: string][] = [
    [name !== null, 'Idempotency-Key'],
    [Object.keys(request.metadata).length > 0, 'metadata'],
    [request.cache.scope === 'private', nameOf(['cache', 'scope'])],
    [request.cache.tags.length > 0, nameOf(['cache', 'tags'])],
    [request.webhook_url !== undefined, 'webhook_url'],
  ];
  const param = own.find(([asked]) => asked)?.[1];
  if (param !== undefined) throw new Problem('insufficient_scope', `This "${param}" needs an API key.`, { param });
}

function imageRequired(): Problem {
  return new Problem('image_required', 'Send the picture itself: it is not known from you.', { param: 'image' });
}

function requireModel(model: Model | null, name: string): Model {
  if (model !== null && makesMeshes(model)) return model;
  const message = model === null ? `The model "${name}" does not exist.` : `The model "${name}" makes no meshes.`;
  throw new Problem('model_not_found', message, { param: 'model' });
}
