import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fetch, FormData, type Response } from 'undici';
import { z } from 'zod';
import { MeshObject } from '../contract/mesh.ts';
import type { MeshRequestInput } from '../contract/request.ts';
import { Retryable, withRetries } from './retry.ts';

/** Request fields of `POST /v1/meshes` but the picture or prompt. */
export type MeshOptions = Omit<MeshRequestInput, 'image' | 'prompt'>;

/** A picture of this size or more is first asked for by its digest, which costs a small request where it is new. */
const digestFirstBytesMin = 256 * 1024;

const firstPollMs = 150;
const pollMsMax = 2_000;
const statusesWorthRetrying = new Set([408, 429, 500, 502, 503]);

/** An error answer of the API, or a mesh that failed; `code` is one of docs/api.md. */
export class MeshkilnError extends Error {
  readonly status: number;
  readonly code: string;
  readonly param: string | null;

  constructor(status: number, error: { code: string; message: string; param?: string | null | undefined }) {
    super(error.message);
    this.name = 'MeshkilnError';
    this.status = status;
    this.code = error.code;
    this.param = error.param ?? null;
  }
}

const ErrorBody = z.object({
  error: z.object({ code: z.string(), message: z.string(), param: z.string().nullish() }),
});

/** A client of one edge. Every call takes an AbortSignal and is retried where a retry is safe. */
export class Meshkiln {
  readonly #url: string;
  readonly #apiKey: string;

  constructor(options: { url: string; apiKey: string }) {
    this.#url = options.url.replace(/\/$/, '');
    this.#apiKey = options.apiKey;
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
    return MeshObject.parse(await this.#json('POST', '/v1/meshes', { body: form, signal }));
  }

  /** Asks for a mesh in words, where the edge takes prompts; the answer may still be queued. */
  async createFromPrompt(prompt: string, options: MeshOptions = {}, signal?: AbortSignal): Promise<MeshObject> {
    const body = () => JSON.stringify({ ...options, prompt });
    const headers = { 'content-type': 'application/json' };
    return MeshObject.parse(await this.#json('POST', '/v1/meshes', { body, headers, signal }));
  }

  /** The mesh of a picture that this tenant has sent before, null where it must be sent (again). */
  async #createByDigest(
    picture: Uint8Array,
    options: MeshOptions,
    signal: AbortSignal | undefined,
  ): Promise<MeshObject | null> {
    const image = { sha256: createHash('sha256').update(picture).digest('hex') };
    const body = () => JSON.stringify({ ...options, image });
    const headers = { 'content-type': 'application/json' };
    try {
      return MeshObject.parse(await this.#json('POST', '/v1/meshes', { body, headers, signal }));
    } catch (error) {
      if (error instanceof MeshkilnError && error.code === 'image_required') return null;
      throw error;
    }
  }

  /** The mesh as it stands now. */
  async get(id: string, signal?: AbortSignal): Promise<MeshObject> {
    return MeshObject.parse(await this.#json('GET', `/v1/meshes/${id}`, { signal }));
  }

  /**
   * Waits until a mesh is completed, telling each change on the way.
   * Throws MeshkilnError when it failed or was cancelled.
   */
  async wait(
    mesh: MeshObject,
    options: { onProgress?: (mesh: MeshObject) => void; signal?: AbortSignal } = {},
  ): Promise<MeshObject> {
    let delayMs = firstPollMs;
    for (let current = mesh; ; current = await this.get(mesh.id, options.signal)) {
      options.onProgress?.(current);
      // Later answers find the mesh in the cache; whether it was a hit is what the first one said.
      if (current.status === 'completed') return { ...current, cache: { ...mesh.cache, reused: current.cache.reused } };
      if (current.status === 'failed' || current.status === 'cancelled') {
        throw new MeshkilnError(
          200,
          current.error ?? { code: current.status, message: `The mesh was ${current.status}.` },
        );
      }
      await sleep(delayMs, undefined, options.signal ? { signal: options.signal } : {});
      delayMs = Math.min(pollMsMax, delayMs * 1.3);
    }
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
    await withRetries(async () => {
      const headers = received === 0 ? {} : { range: `bytes=${received}-`, 'if-range': `"${asset.sha256}"` };
      const answer = await this.#send('GET', asset.url, { headers, signal });
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

  async #json(method: 'GET' | 'POST', path: string, call: Call): Promise<unknown> {
    return withRetries(async () => (await this.#send(method, this.#url + path, call)).json(), call.signal);
  }

  async #send(method: 'GET' | 'POST', url: string, call: Call): Promise<Response> {
    const answer = await fetch(url, {
      method,
      headers: { authorization: `Bearer ${this.#apiKey}`, ...call.headers },
      signal: call.signal ?? null,
      ...(call.body && { body: call.body() }),
    }).catch((error: unknown) => {
      if (call.signal?.aborted) throw error;
      throw new Retryable(new Error(`cannot reach ${this.#url}: ${causeOf(error)}`, { cause: error }), null);
    });
    if (answer.ok) return answer;
    const body = ErrorBody.safeParse(await answer.json().catch(() => null));
    const error = new MeshkilnError(
      answer.status,
      body.data?.error ?? { code: 'unknown', message: `The server answered ${answer.status}.` },
    );
    if (statusesWorthRetrying.has(answer.status)) throw new Retryable(error, retryAfterMs(answer.headers));
    throw error;
  }
}

type Call = { body?: () => FormData | string; headers?: Record<string, string>; signal: AbortSignal | undefined };

function* formFields(options: MeshOptions): Generator<[string, string]> {
  const { cache, metadata, ...plain } = options;
  for (const [name, value] of Object.entries(plain)) if (value !== undefined) yield [name, String(value)];
  if (metadata !== undefined) yield ['metadata', JSON.stringify(metadata)];
  if (cache?.mode !== undefined) yield ['cache_mode', cache.mode];
  if (cache?.scope !== undefined) yield ['cache_scope', cache.scope];
  if (cache?.tags !== undefined) yield ['cache_tags', JSON.stringify(cache.tags)];
}

function retryAfterMs(headers: Response['headers']): number | null {
  const seconds = headers.get('retry-after');
  return seconds !== null && /^\d+$/.test(seconds) ? Number(seconds) * 1000 : null;
}

/** fetch says "fetch failed"; what failed is in its cause. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
