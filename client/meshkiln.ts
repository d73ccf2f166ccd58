import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { FormData } from 'undici';
import { cacheFormFields, fieldOf, type Field } from '../contract/fields.ts';
import { MeshObject } from '../contract/mesh.ts';
import type { MeshRequestInput } from '../contract/request.ts';
import { EdgeCalls } from './edge-calls.ts';
import { hasEnded, meshEvents, NoEvents } from './mesh-events.ts';
import { MeshkilnError } from './meshkiln-error.ts';
import { Retryable } from './retry.ts';

/** Request fields of `POST /v1/meshes` but the picture or prompt. */
export type MeshOptions = Omit<MeshRequestInput, 'image' | 'prompt'>;

/** A picture of this size or more is first asked for by its digest, which costs a small request where it is new. */
const digestFirstBytesMin = 256 * 1024;

const firstPollMs = 150;
const pollMsMax = 2_000;

/** Three of the edge's heartbeats: a stream that is silent for longer is dead. */
const eventSilenceMsMax = 45_000;

/** A client of one edge. Every call takes an AbortSignal and is retried where a retry is safe. */
export class Meshkiln {
  readonly #calls: EdgeCalls;
  readonly #silenceMsMax: number;

  /** `eventSilenceMsMax` is how long a stream of events may be silent before it is opened anew, in milliseconds. */
  constructor(options: { url: string; apiKey: string; eventSilenceMsMax?: number }) {
    this.#calls = new EdgeCalls(options);
    this.#silenceMsMax = options.eventSilenceMsMax ?? eventSilenceMsMax;
  }

  /** Asks for a mesh of a picture (PNG, JPEG, WebP, AVIF or GIF bytes); the answer may still be queued. */
  async create(picture: Uint8Array<ArrayBuffer>, options: MeshOptions = {}, signal?: AbortSignal): Promise<MeshObject> {
    if (picture.length >= digestFirstBytesMin) {
      const known = await this.#createByDigest(picture, options, signal);
      if (known !== null) return known;
    }
    const form = () => {
      const data = new FormData();
      data.set('image', new File([picture], 'image'));
      for (const [name, value] of formFields(options)) data.set(name, value);
      return data;
    };
    // A repeated POST gives the same answer: the mesh's id is made from what was asked.
    return MeshObject.parse(await this.#calls.json('POST', '/v1/meshes', { body: form, signal }));
  }

  /** Asks for a mesh in words, where the edge takes prompts; the answer may still be queued. */
  async createFromPrompt(prompt: string, options: MeshOptions = {}, signal?: AbortSignal): Promise<MeshObject> {
    return this.#createByJson({ ...options, prompt }, signal);
  }

  /** The mesh of a picture that this tenant has sent before, null where it must be sent (again). */
  async #createByDigest(
    picture: Uint8Array,
    options: MeshOptions,
    signal: AbortSignal | undefined,
  ): Promise<MeshObject | null> {
    const image = { sha256: createHash('sha256').update(picture).digest('hex') };
    try {
      return await this.#createByJson({ ...options, image }, signal);
    } catch (error) {
      if (error instanceof MeshkilnError && error.code === 'image_required') return null;
      throw error;
    }
  }

  async #createByJson(request: MeshRequestInput, signal: AbortSignal | undefined): Promise<MeshObject> {
    const body = () => JSON.stringify(request);
    const headers = { 'content-type': 'application/json' };
    return MeshObject.parse(await this.#calls.json('POST', '/v1/meshes', { body, headers, signal }));
  }

  /** The mesh as it stands now. */
  async get(id: string, signal?: AbortSignal): Promise<MeshObject> {
    return MeshObject.parse(await this.#calls.json('GET', `/v1/meshes/${id}`, { signal }));
  }

  /** A mesh's states, the present one first, until it has ended: from its events, or by polling where there are none. */
  async *follow(id: string, signal?: AbortSignal): AsyncGenerator<MeshObject> {
    try {
      yield* meshEvents(this.#calls, id, { silenceMsMax: this.#silenceMsMax, signal });
    } catch (error) {
      if (!(error instanceof NoEvents)) throw error;
      yield* this.#poll(id, signal);
    }
  }

  /**
   * Waits until a mesh is completed, telling each change on the way.
   * Throws MeshkilnError when it failed or was cancelled.
   */
  async wait(
    mesh: MeshObject,
    options: { onProgress?: (mesh: MeshObject) => void; signal?: AbortSignal } = {},
  ): Promise<MeshObject> {
    let current = mesh;
    options.onProgress?.(current);
    if (!hasEnded(current)) {
      for await (current of this.follow(mesh.id, options.signal)) options.onProgress?.(current);
    }
    // Later answers find the mesh in the cache; whether it was a hit is what the first one said.
    if (current.status === 'completed') return { ...current, cache: { ...mesh.cache, reused: current.cache.reused } };
    throw new MeshkilnError(200, current.error ?? { code: current.status, message: `The mesh was ${current.status}.` });
  }

  /**
   * The finished bytes. A connection that breaks is taken up where it broke (Range with If-Range, RFC 9110 §13.1.5);
   * throws when the whole does not hash to the digest that the mesh object names.
   */
  async download(mesh: MeshObject, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const asset = mesh.asset;
    if (asset === null)
      throw new MeshkilnError(404, { code: 'mesh_not_ready', message: 'This mesh has no bytes yet.' });
    const bytes = new Uint8Array(asset.bytes);
    let received = 0;
    await this.#calls.retried(async () => {
      const headers = received === 0 ? {} : { range: `bytes=${received}-`, 'if-range': `"${asset.sha256}"` };
      const answer = await this.#calls.send('GET', asset.url, { headers, signal });
      if (answer.status !== 206) received = 0;
      try {
        for await (const chunk of answer.body ?? []) {
          bytes.set(chunk, received);
          received += chunk.length;
        }
      } catch (error) {
        throw signal?.aborted ? error : new Retryable(error, null);
      }
      if (createHash('sha256').update(bytes).digest('hex') === asset.sha256) return;
      received = 0;
      throw new Retryable(new Error(`the bytes of ${asset.url} do not hash to their name`), null);
    }, signal);
    return bytes;
  }

  async *#poll(id: string, signal: AbortSignal | undefined): AsyncGenerator<MeshObject> {
    for (let delayMs = firstPollMs; ; delayMs = Math.min(pollMsMax, delayMs * 1.3)) {
      const mesh = await this.get(id, signal);
      yield mesh;
      if (hasEnded(mesh)) return;
      await sleep(delayMs, undefined, signal ? { signal } : {});
    }
  }
}

function* formFields({ cache, ...options }: MeshOptions): Generator<[string, string]> {
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined) yield [name, formText(value, fieldOf(name as keyof typeof options).form)];
  }
  for (const [name, { member, form }] of Object.entries(cacheFormFields)) {
    const value = cache?.[member];
    if (value !== undefined) yield [name, formText(value, form)];
  }
}

function formText(value: unknown, form: Field['form']): string {
  return form === 'json' ? JSON.stringify(value) : String(value);
}
