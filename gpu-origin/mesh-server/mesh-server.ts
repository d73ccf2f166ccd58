import { setTimeout as sleep } from 'node:timers/promises';
import { bulkhead } from 'cockatiel';
import { Agent, request } from 'undici';
import { Problem } from '../../contract/problem.ts';
import { retryAfterMs } from '../../contract/retry-after.ts';
import { causeText, log } from '../log.ts';
import type { MeshServerTemplate } from '../families/mesh-server-template.ts';
import { readBounded } from '../outgoing/bounded-body.ts';
import { requestBody, type Filling } from './request-body.ts';

/** Times that a question is asked whose failure may be a passing one. */
const attemptsMax = 3;
const pauseMsMin = 500;

/** Longest Retry-After of the server that a job waits for. */
const restMsMax = 60_000;

const connectSecondsMax = 5;
const healthSecondsMax = 3;

/** What a failed answer may bring with it that is worth logging. */
const failureBytesMax = 64 * 1024;

/** Statuses by which a server says that the picture, not the question, is at fault. */
const pictureStatuses = [400, 413, 415, 422];

/** A failure that may pass, with the time after which the server wants to be asked again. */
class PassingFailure extends Error {
  readonly restMs: number | null;

  constructor(message: string, restMs: number | null = null) {
    super(message);
    this.restMs = restMs;
  }
}

/** One HTTP server that makes meshes, asked as its template says, by no more calls at once than it allows. */
export class MeshServer {
  readonly #template: MeshServerTemplate;
  readonly #agent: Agent;
  readonly #places;

  constructor(template: MeshServerTemplate) {
    const msMax = template.seconds_max * 1000;
    this.#template = template;
    this.#places = bulkhead(template.concurrent_max, Number.MAX_SAFE_INTEGER);
    // The signal ends a call; a mesh may take longer than undici waits for headers by itself.
    const connect = { timeout: connectSecondsMax * 1000 };
    this.#agent = new Agent({ connect, headersTimeout: msMax, bodyTimeout: msMax });
  }

  /**
   * The GLB for a picture, and the time of the call that gave it. Throws the Problems `unprocessable_image` when the server
   * refuses the picture and `upstream_failed` for all else; what the signal says when it fires.
   */
  ask(filling: Filling, signal: AbortSignal): Promise<{ glb: Uint8Array; ms: number }> {
    return this.#places.execute(() => this.#askAgain(filling, signal), signal);
  }

  /** Null while the server can work, else why not. */
  async fault(): Promise<string | null> {
    const { health_url: url } = this.#template;
    if (url === undefined) return null;
    try {
      const signal = AbortSignal.timeout(healthSecondsMax * 1000);
      const { statusCode, body } = await request(url, { dispatcher: this.#agent, signal });
      await body.dump();
      return statusCode >= 200 && statusCode < 300 ? null : `${url} answers ${statusCode}`;
    } catch (error) {
      return `${url} does not answer (${causeText(error)})`;
    }
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  async #askAgain(filling: Filling, signal: AbortSignal): Promise<{ glb: Uint8Array; ms: number }> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#askOnce(filling, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof Problem) throw error;
        log('mesh server failed', { url: this.#template.url, attempt, cause: causeText(error) });
        const restMs = error instanceof PassingFailure ? (error.restMs ?? 0) : 0;
        if (attempt === attemptsMax || restMs > restMsMax) {
          throw new Problem('upstream_failed', "The model's server failed.", { cause: error });
        }
        await sleep(Math.max(restMs, pauseMsMin * 2 ** (attempt - 1)), null, { signal });
      }
    }
  }

  async #askOnce(filling: Filling, signal: AbortSignal): Promise<{ glb: Uint8Array; ms: number }> {
    const { url, seconds_max, answer_bytes_max } = this.#template;
    const start = performance.now();
    const { statusCode, headers, body } = await request(url, {
      method: 'POST',
      dispatcher: this.#agent,
      ...requestBody(this.#template, filling),
      signal: AbortSignal.any([signal, AbortSignal.timeout(seconds_max * 1000)]),
    });
    if (statusCode === 200) {
      const bytes = await readBounded(body, answer_bytes_max);
      return { glb: this.#glbIn(bytes), ms: performance.now() - start };
    }
    const text = (await readBounded(body, failureBytesMax)).toString().slice(0, 300);
    const cause = new Error(`${url} answered ${statusCode}: ${text}`);
    if (pictureStatuses.includes(statusCode)) {
      const message = `The model's server refused the picture with status ${statusCode}.`;
      throw new Problem('unprocessable_image', message, { param: 'image', cause });
    }
    if (statusCode === 408 || statusCode === 429 || statusCode >= 500) {
      throw new PassingFailure(cause.message, retryAfterMs(headers['retry-after']));
    }
    throw new Problem('upstream_failed', `The model's server answered with status ${statusCode}.`, { cause });
  }

  #glbIn(bytes: Buffer): Uint8Array {
    const { answer } = this.#template;
    if (answer.as === 'glb') return bytes;
    try {
      let value: unknown = JSON.parse(bytes.toString());
      for (const step of answer.path) value = (value as Record<string | number, unknown>)[step];
      if (typeof value !== 'string') throw new Error(`there is no text at ${answer.path.join('.')}`);
      return Buffer.from(value, 'base64');
    } catch (cause) {
      throw new Problem('upstream_failed', "The model's server gave an answer with no mesh in it.", { cause });
    }
  }
}
