import { Pool, type Dispatcher } from 'undici';

/** One request that a load repeats. */
export type LoadRequest = {
  url: string;
  method?: 'GET' | 'HEAD' | 'POST';
  headers?: Record<string, string>;
  body?: Buffer;
  /** The only status that counts as an answer; 200 unless said otherwise. */
  status?: number;
  /** Length of a whole answer's body, where it is known. */
  answerBytes?: number;
};

/** What came of a load: answers a second, and each answer's time in milliseconds, ascending. */
export type Load = { perSecond: number; latenciesMs: Float64Array };

/** Requests in flight at once, each on a connection of its own. */
const connections = 16;

/**
 * Repeats a request on 16 connections for `seconds`. The bodies of answers are read and dropped, so that the client,
 * which shares the machine, costs little. Throws when any answer has another status or length.
 */
export async function load(
  { url, status = 200, answerBytes, ...request }: LoadRequest,
  seconds: number,
): Promise<Load> {
  const { origin, pathname, search } = new URL(url);
  const pool = new Pool(origin, { connections, pipelining: 1 });
  const options = { method: 'GET' as const, ...request, path: pathname + search };
  const latenciesMs: number[] = [];
  const startMs = performance.now();
  const endMs = startMs + seconds * 1000;
  const repeat = async () => {
    while (performance.now() < endMs) latenciesMs.push(await answer(pool, options, { status, answerBytes }));
  };
  try {
    await Promise.all(Array.from({ length: connections }, repeat));
  } finally {
    await pool.destroy();
  }
  const elapsedSeconds = (performance.now() - startMs) / 1000;
  return { perSecond: latenciesMs.length / elapsedSeconds, latenciesMs: Float64Array.from(latenciesMs).toSorted() };
}

/** Milliseconds from sending a request to the last byte of its answer. */
function answer(
  pool: Pool,
  options: Dispatcher.DispatchOptions,
  expected: { status: number; answerBytes: number | undefined },
): Promise<number> {
  const startMs = performance.now();
  let bytes = 0;
  return new Promise((resolve, reject) => {
    pool.dispatch(options, {
      onRequestStart() {},
      onResponseStart(_, status) {
        if (status !== expected.status) reject(new Error(`${options.method} ${options.path} was answered ${status}`));
      },
      onResponseData(_, piece) {
        bytes += piece.length;
      },
      onResponseEnd() {
        const ms = performance.now() - startMs;
        if (bytes === (expected.answerBytes ?? bytes)) resolve(ms);
        else reject(new Error(`${options.method} ${options.path} was answered with ${bytes} bytes`));
      },
      onResponseError: (_, error) => reject(error),
    });
  });
}
