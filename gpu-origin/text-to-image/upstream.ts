import sharp from 'sharp';
import { Agent, request } from 'undici';
import { z } from 'zod';
import { Problem } from '../../contract/problem.ts';
import { imageLimits } from '../../contract/request.ts';
import { retryAfterMs } from '../../contract/retry-after.ts';
import { readBounded } from '../outgoing/bounded-body.ts';
import { downloadPicture } from './download-picture.ts';

/** Connections to one upstream at once; more calls wait for one. */
const connectionsMax = 16;
const connectSecondsMax = 5;

/** A picture in base64 is a third longer. */
const answerBytesMax = Math.ceil((imageLimits.fileBytesMax * 4) / 3) + 64 * 1024;

/** What is asked for: a square, as the canvas is. */
const pictureSize = '1024x1024';

const Answer = z.object({
  // One picture was asked for; whatever comes behind it is not read.
  data: z.tuple([z.object({ b64_json: z.string().nullish(), url: z.url().nullish() })], z.unknown()),
});
const Refusal = z.object({
  error: z.object({ code: z.string().nullish(), type: z.string().nullish(), message: z.string().nullish() }),
});

/**
 * Why an upstream gave no picture: `busy` for the time being, `failed` this time, or `unfit`: another call would get the
 * same answer (a wrong key or model), or would be paid for and most likely in vain (an answer with no picture in it).
 */
export class UpstreamFailure extends Error {
  readonly kind: 'busy' | 'failed' | 'unfit';
  /** Time after which it wants to be asked again, where it said so. */
  readonly restMs: number | null;

  constructor(
    kind: UpstreamFailure['kind'],
    message: string,
    options: { cause?: unknown; restMs?: number | null } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'UpstreamFailure';
    this.kind = kind;
    this.restMs = options.restMs ?? null;
  }
}

export type UpstreamOptions = {
  /** Base URL, to which `/images/generations` is added. */
  url: string;
  key: string | null;
  model: string;
  /** For one call, the download of a picture that is answered with a URL included. */
  secondsMax: number;
};

/** One server of `POST /images/generations`, asked over kept-alive connections until `close`. */
export class Upstream {
  readonly url: string;
  readonly #options: UpstreamOptions;
  readonly #agent: Agent;

  constructor(options: UpstreamOptions) {
    const msMax = options.secondsMax * 1000;
    this.url = options.url.replace(/\/+$/, '');
    this.#options = options;
    this.#agent = new Agent({
      connections: connectionsMax,
      connect: { timeout: connectSecondsMax * 1000 },
      // The signal ends a call; a picture may take longer than undici waits for headers by itself.
      headersTimeout: msMax,
      bodyTimeout: msMax,
    });
  }

  /** Has a prompt drawn once. Throws the Problem `prompt_refused`, an UpstreamFailure, or what the signal says. */
  async draw(prompt: string, signal: AbortSignal): Promise<Uint8Array> {
    const timed = AbortSignal.any([signal, AbortSignal.timeout(this.#options.secondsMax * 1000)]);
    let kind: UpstreamFailure['kind'] = 'failed';
    try {
      const answer = await this.#ask(prompt, timed);
      kind = 'unfit'; // it has drawn, and would have to be paid again
      const picture = await this.#pictureIn(answer, timed);
      await sharp(picture).metadata(); // a page of a proxy, say, is no picture
      return picture;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Problem || error instanceof UpstreamFailure) throw error;
      throw new UpstreamFailure(kind, `${this.url} gave no picture`, { cause: error });
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #ask(prompt: string, signal: AbortSignal): Promise<Buffer> {
    const { key, model } = this.#options;
    const { statusCode, headers, body } = await request(`${this.url}/images/generations`, {
      method: 'POST',
      dispatcher: this.#agent,
      headers: { 'content-type': 'application/json', ...(key !== null && { authorization: `Bearer ${key}` }) },
      // No `response_format`: some models refuse it, and either form of answer will do.
      body: JSON.stringify({ model, prompt, n: 1, size: pictureSize }),
      signal,
    });
    const bytes = await readBounded(body, answerBytesMax);
    if (statusCode === 200) return bytes;
    throw refusalOf({
      url: this.url,
      status: statusCode,
      text: bytes.toString(),
      restMs: retryAfterMs(headers['retry-after']),
    });
  }

  async #pictureIn(answer: Buffer, signal: AbortSignal): Promise<Uint8Array> {
    const { b64_json, url } = Answer.parse(JSON.parse(answer.toString())).data[0];
    if (b64_json) return Buffer.from(b64_json, 'base64');
    if (url)
      return downloadPicture(new URL(url), { trusted: new URL(this.url).origin, dispatcher: this.#agent, signal });
    throw new Error('the answer holds neither b64_json nor url');
  }
}

type Refused = { url: string; status: number; text: string; restMs: number | null };

/** What a status other than 200 means. */
function refusalOf({ url, status, text, restMs }: Refused): Problem | UpstreamFailure {
  const cause = new Error(`${url} answered ${status}: ${text.slice(0, 300)}`);
  if (status === 429 || status === 503) return new UpstreamFailure('busy', cause.message, { restMs });
  if (status === 408 || status >= 500) return new UpstreamFailure('failed', cause.message);
  if (isContentRefusal(text)) {
    return new Problem('prompt_refused', 'The prompt was refused by the service that draws.', {
      param: 'prompt',
      cause,
    });
  }
  return new UpstreamFailure('unfit', cause.message);
}

/** Servers name their content rules differently: content_policy_violation, moderation_blocked, contentFilter. */
function isContentRefusal(text: string): boolean {
  try {
    const { code, type } = Refusal.parse(JSON.parse(text)).error;
    return /content.?(policy|filter)|moderation|safety/i.test(`${code} ${type}`);
  } catch {
    return false;
  }
}
