/** What the edge counts: the name of each counter with its labels, in the order in which a key holds their values. */
export const counters = {
  requests: ['method', 'route', 'status'],
  errors: ['code'],
  /** Requests for a mesh: `cache` is hit, miss, joined or refused (a remembered failure); only a hit has a tier. */
  meshes: ['cache', 'tier'],
  savedGpuMs: [],
  /** GPU time of results that were written back. */
  spentGpuMs: [],
  /** Answers about an asset, with or without its bytes. Tier `none`: there is no such asset. */
  assets: ['tier', 'status'],
  /** Bytes of assets by Content-Length. A client that disconnects early receives fewer. */
  assetBytes: ['tier'],
  flightsStarted: [],
  flightsEnded: ['outcome'],
  /** Jobs taken back from an origin. */
  jobsLost: ['loss'],
  writeBacks: ['outcome'],
  /** Latency histogram: counts by the index of the bucket in `latencyBoundsMs`, and the sum of all values. */
  latencies: ['cache', 'bucket'],
  latencyMs: ['cache'],
  /** How often open flights were counted, and the sum of the counts. */
  flightSamples: [],
  flightsOpen: [],
  /** Sums over an origin's reports. Divide them by the number of reports, and `laneBusyMs` by `laneMs`. */
  reports: ['origin'],
  queueDepth: ['origin'],
  laneBusyMs: ['origin'],
  laneMs: ['origin'],
  gpuReports: ['origin'],
  gpuUtilisation: ['origin'],
  gpuMemoryShare: ['origin'],
} as const satisfies Record<string, readonly string[]>;

export type CounterName = keyof typeof counters;

/** Values of a counter's labels, in the order of `counters`. */
export type LabelValues<Name extends CounterName> = Values<(typeof counters)[Name]>;

type Values<Names extends readonly string[]> = { [Index in keyof Names]: string };

/** Counters by their keys; one that is absent is 0. */
export type Counts = Map<string, number>;

/** Between a counter's name and its label values; none of them holds a tab. */
const separator = '\t';

/** The key of a counter. */
export function counterKey<Name extends CounterName>(name: Name, labels: LabelValues<Name>): string {
  let key: string = name;
  for (const label of labels) key += separator + label;
  return key;
}

/** Adds to one counter. */
export function add(counts: Counts, key: string, by = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}

/** Adds all of `more`, except new keys beyond `keysMax`. Returns how many were left out. */
export function addAll(counts: Counts, more: Iterable<readonly [string, number]>, keysMax = Infinity): number {
  let left = 0;
  for (const [key, by] of more) {
    if (counts.size < keysMax || counts.has(key)) add(counts, key, by);
    else left += 1;
  }
  return left;
}

/** Every counter of this name with its label values. */
export function* countersOf(counts: Counts, name: CounterName): Generator<{ labels: string[]; value: number }> {
  const prefix = name + separator;
  for (const [key, value] of counts) {
    if (key === name) yield { labels: [], value };
    else if (key.startsWith(prefix)) yield { labels: key.slice(prefix.length).split(separator), value };
  }
}

/** Sum of the counters of this name whose first labels have these values. */
export function sumOf(counts: Counts, name: CounterName, ...first: string[]): number {
  let sum = 0;
  for (const { labels, value } of countersOf(counts, name)) {
    if (first.every((label, index) => labels[index] === label)) sum += value;
  }
  return sum;
}
