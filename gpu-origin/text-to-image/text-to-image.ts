import { setTimeout as sleep } from 'node:timers/promises';
import { CircuitState, circuitBreaker, ConsecutiveBreaker, handleWhen } from 'cockatiel';
import { Problem } from '../../contract/problem.ts';
import { causeText, log } from '../log.ts';
import { Upstream, UpstreamFailure } from './upstream.ts';

/** Times that all upstreams are asked for one picture, one after the other. */
const roundsMax = 3;

/** Pause before the second round; the next is twice as long. */
const pauseMsMin = 500;

/** Longest rest of an upstream (its Retry-After) that a job waits for. */
const restMsMax = 30_000;

/** Failures in a row after which an upstream is passed by, and the time until one call tries it again. */
const failuresInARowMax = 5;
const brokenMs = 30_000;

export type TextToImageOptions = {
  /** Base URLs of the upstreams, the preferred one first, each with its own key. */
  upstreams: readonly { url: string; key: string | null }[];
  model: string;
  secondsMax: number;
};

/** Turns prompts into pictures by the first upstream that does. */
export class TextToImage {
  readonly model: string;
  readonly #upstreams: readonly GuardedUpstream[];

  constructor({ upstreams, ...options }: TextToImageOptions) {
    this.model = options.model;
    this.#upstreams = upstreams.map((upstream) => guarded(new Upstream({ ...upstream, ...options })));
  }

  /**
   * The file of a picture of this prompt. Throws the Problem `prompt_refused` when an upstream's rules forbid it, and
   * `upstream_failed` when none gives a picture; what the signal says when it fires.
   */
  async draw(prompt: string, signal: AbortSignal): Promise<Uint8Array> {
    let left = this.#upstreams;
    let failure: unknown = new Error('every upstream wants to rest for long');
    for (let round = 0; round < roundsMax && left.length > 0; round++) {
      const restMs = Math.min(...left.map(({ restUntilMs }) => restUntilMs - Date.now()));
      if (restMs > restMsMax) break;
      const pauseMs = round === 0 ? 0 : pauseMsMin * 2 ** (round - 1) * (1 + Math.random());
      await sleep(Math.max(restMs, pauseMs, 0), null, { signal });
      for (const upstream of left.filter(({ restUntilMs }) => restUntilMs <= Date.now())) {
        try {
          return await upstream.breaker.execute(() => upstream.client.draw(prompt, signal), signal);
        } catch (error) {
          signal.throwIfAborted();
          if (error instanceof Problem) throw error;
          log('upstream failed', { upstream: upstream.client.url, cause: causeText(error) });
          failure = error;
          if (!(error instanceof UpstreamFailure)) continue; // its circuit is open
          if (error.kind === 'unfit') left = left.filter((other) => other !== upstream);
          if (error.restMs !== null) upstream.restUntilMs = Date.now() + error.restMs;
        }
      }
    }
    throw new Problem('upstream_failed', 'No picture could be had for the prompt.', { cause: failure });
  }

  async close(): Promise<void> {
    await Promise.all(this.#upstreams.map(({ client }) => client.close()));
  }
}

type GuardedUpstream = ReturnType<typeof guarded>;

function guarded(client: Upstream) {
  // One that is busy or misconfigured answers; only silence and faults open the circuit.
  const isFault = handleWhen((error) => error instanceof UpstreamFailure && error.kind === 'failed');
  const breaker = circuitBreaker(isFault, {
    halfOpenAfter: brokenMs,
    breaker: new ConsecutiveBreaker(failuresInARowMax),
  });
  breaker.onStateChange((state) => log('upstream circuit', { upstream: client.url, state: CircuitState[state] }));
  return { client, breaker, restUntilMs: 0 };
}
