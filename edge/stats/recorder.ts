import { theStats, type Failure, type StatsBatch, type StatsObjects } from './calls.ts';
import { Batcher } from './batcher.ts';
import { add, counterKey, type CounterName, type LabelValues } from './counts.ts';
import { bucketOf, bucketsMax, type LatencyOf } from './latency.ts';

/** Failures that one batch tells of; more are counted by their codes alone. */
const failuresMax = 20;

/** Flights that one batch tells of: more in one second are counted, but not seen as open. */
const flightsMax = 1000;

const textCharactersMax = 300;

/** Where an isolate records what happens; nothing of it waits for anything. */
export type Recorder = {
  count<Name extends CounterName>(name: Name, labels: LabelValues<Name>, by?: number): void;
  latency(of: LatencyOf, ms: number): void;
  /** As `count`, of a counter whose key was made before. */
  add(key: string, by?: number): void;
  flight(key: string, is: 'open' | 'ended'): void;
  failure(failure: Omit<Failure, 'atMs'>): void;
};

/** The one batcher of this isolate, which the Worker and the objects that run in it share. */
let isolateBatcher: Batcher<StatsBatch> | undefined;

/** The recorder of this isolate, which delivers to the Stats object. */
export function isolateRecorder(namespace: StatsObjects): Recorder {
  isolateBatcher ??= new Batcher<StatsBatch>({
    open: () => ({ beganAtMs: Date.now(), counts: new Map(), flights: new Map(), failures: [] }),
    send: async (batch, id) => theStats(namespace).take(batch, id),
    failureEvent: 'stats_not_delivered',
  });
  return recorderTo(isolateBatcher);
}

/** Keys of the counters of a histogram; each hit adds to two. */
const latencyKeysOf = (of: LatencyOf) => ({
  buckets: Array.from({ length: bucketsMax }, (_, bucket) => counterKey('latencies', [of, String(bucket)])),
  sum: counterKey('latencyMs', [of]),
});

const latencyKeys = { hit: latencyKeysOf('hit'), miss: latencyKeysOf('miss') };

function recorderTo(batcher: Batcher<StatsBatch>): Recorder {
  return {
    count(name, labels, by = 1) {
      add(batcher.record().counts, counterKey(name, labels), by);
    },
    add(key, by = 1) {
      add(batcher.record().counts, key, by);
    },
    latency(of, ms) {
      const { counts } = batcher.record();
      const { buckets, sum } = latencyKeys[of];
      add(counts, buckets[bucketOf(ms)] ?? '');
      add(counts, sum, ms);
    },
    flight(key, is) {
      const { flights } = batcher.record();
      if (flights.size < flightsMax || flights.has(key)) flights.set(key, is);
    },
    failure({ message, cause, ...failure }) {
      const { failures } = batcher.record();
      if (failures.length >= failuresMax) return;
      failures.push({ ...failure, message: cut(message), cause: cause && cut(cause), atMs: Date.now() });
    },
  };
}

function cut(text: string): string {
  return text.slice(0, textCharactersMax);
}
