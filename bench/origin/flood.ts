import { setTimeout as sleep } from 'node:timers/promises';
import { atMost, exactly, type Findings } from '../harness/result.ts';
import { quantile } from '../harness/spread.ts';
import { writeFieldModel } from './field-model.ts';
import { startBenchOrigin, type BenchOrigin } from './origin.ts';

const submissions = 10_000;
const queueCapacity = 64;
/** Submissions that are on their way at once. */
const clients = 256;
/** Tries after the first that a client may need, each when Retry-After told it to, and after which it gives up. */
const retriesMax = 3;
const retriesToGiveUp = 20;
const secondsMax = 1800;
/** Jobs before the flood, by which the origin knows its pace: before the first has ended it can but assume one. */
const jobsToWarm = 40;

/**
 * 10,000 submissions against a queue of 64. The model is tiny and sees nothing in any picture, so that each job ends,
 * as `unprocessable_image`, right after inference: what is measured is the queue.
 */
export async function benchFlood(): Promise<Findings> {
  const origin = await startBenchOrigin((folder) => writeFieldModel(folder, { layers: 0, empty: true }), {
    QUEUE_CAPACITY: String(queueCapacity),
    KERNEL_THREADS: '2',
  });
  try {
    await warm(origin);
    const startMs = performance.now();
    const gate = turnstile(clients);
    const submitted = await Promise.all(Array.from({ length: submissions }, () => submit(origin, gate)));
    const accepted = submitted.flatMap((each) => (each.state === 'accepted' ? [each] : []));
    await origin.until(() => accepted.every(({ key }) => origin.peer.result(key) !== null), secondsMax);
    const retries = Float64Array.from(accepted, (each) => each.retries).toSorted();
    const answers = submitted.reduce((sum, each) => sum + each.retries + 1, 0);
    const seconds = (performance.now() - startMs) / 1000;
    const doneOnce = accepted.filter(({ key }) => origin.peer.results.get(key)?.length === 1).length;
    return {
      rows: [
        {
          submissions,
          answers,
          accepted: accepted.length,
          seconds,
          jobsASecond: accepted.length / seconds,
          retriesMedian: quantile(retries, 0.5),
          retriesMost: retries.at(-1) ?? NaN,
        },
      ],
      bounds: [
        exactly(
          'submissions answered otherwise than 202, or 429 with a Retry-After',
          submitted.filter(({ state }) => state === 'odd').length,
          0,
        ),
        exactly('submissions accepted in the end', accepted.length, submissions),
        exactly('accepted jobs that ended once', doneOnce, accepted.length),
        atMost('tries after the first until a job was accepted', retries.at(-1) ?? NaN, retriesMax),
      ],
    };
  } finally {
    await origin.close();
  }
}

async function warm(origin: BenchOrigin): Promise<void> {
  for (let i = 0; i < jobsToWarm; i++) await (await origin.send()).answer.arrayBuffer();
  await origin.until(() => origin.peer.results.size === jobsToWarm, secondsMax);
}

type Submitted = { state: 'accepted' | 'refused' | 'odd'; key: string; retries: number };

/** Submits one job as a patient client does: again when it was told to, and no sooner. */
async function submit(origin: BenchOrigin, gate: Turnstile): Promise<Submitted> {
  const first = await gate(() => origin.send());
  let { answer } = first;
  for (let retries = 0; ; retries++) {
    const { status } = answer;
    const retryAfterSeconds = Number(answer.headers.get('retry-after') ?? NaN);
    await answer.arrayBuffer();
    if (status === 202) return { state: 'accepted', key: first.key, retries };
    if (status !== 429 || !(retryAfterSeconds > 0)) return { state: 'odd', key: first.key, retries };
    if (retries === retriesToGiveUp) return { state: 'refused', key: first.key, retries };
    await sleep(retryAfterSeconds * 1000);
    answer = await gate(() => origin.sendAgain(first.job));
  }
}

type Turnstile = <Value>(run: () => Promise<Value>) => Promise<Value>;

/** Lets so many through at once. */
function turnstile(most: number): Turnstile {
  let inside = 0;
  const waiting: (() => void)[] = [];
  return async (run) => {
    if (inside === most) await new Promise<void>((resolve) => waiting.push(resolve));
    else inside += 1;
    try {
      return await run();
    } finally {
      const next = waiting.shift();
      if (next === undefined) inside -= 1;
      else next();
    }
  };
}
