import { KernelThread, type KernelLimits } from './kernel-thread.ts';
import { kernelLimitDefaults } from '../config.ts';
import { Problem } from '../../contract/problem.ts';
import type { kernels } from './kernels.ts';

type Kernels = typeof kernels;
type KernelName = keyof Kernels;
type Input<K extends KernelName> = Parameters<Kernels[K]>[0];
type Outputs = { [K in KernelName]: Awaited<ReturnType<Kernels[K]>> };

/** Runs the CPU's stages in worker threads, so that the program's own thread stays free. */
export type KernelPool = {
  /**
   * Runs one kernel once a thread is free; rejects with its Problem or error, with an AbortError once the signal fires,
   * and with the Problem `internal_error` when the call exceeds a limit. A thread that is stopped is replaced.
   */
  run<K extends KernelName>(kernel: K, input: Input<K>, signal: AbortSignal): Promise<Outputs[K]>;
  /** Ends the threads after the calls that they have. */
  close(): Promise<void>;
};

/** A pool of as many threads as given, started at once and kept. */
export function createKernelPool({
  threads: count,
  limits = kernelLimitDefaults,
}: {
  threads: number;
  limits?: KernelLimits;
}): KernelPool {
  const idle = Array.from({ length: count }, () => new KernelThread());
  const busy = new Set<Promise<unknown>>();
  const waiting: { take: (thread: KernelThread) => void }[] = [];

  const free = (thread: KernelThread) => {
    const next = waiting.shift();
    if (next === undefined) idle.push(thread);
    else next.take(thread);
  };
  const freeThread = (signal: AbortSignal): Promise<KernelThread> => {
    signal.throwIfAborted();
    const thread = idle.pop();
    if (thread !== undefined) return Promise.resolve(thread);
    return new Promise((resolve, reject) => {
      const leave = () => {
        waiting.splice(waiting.indexOf(place), 1);
        reject(signal.reason as Error);
      };
      const place = {
        take: (freed: KernelThread) => {
          signal.removeEventListener('abort', leave);
          resolve(freed);
        },
      };
      waiting.push(place);
      signal.addEventListener('abort', leave, { once: true });
    });
  };

  const run = async <K extends KernelName>(kernel: K, input: Input<K>, signal: AbortSignal): Promise<Outputs[K]> => {
    const thread = await freeThread(signal);
    const answering = thread.run({ kernel, input }, { limits, signal });
    busy.add(answering);
    try {
      const answer = await answering;
      if (answer.outcome === 'done') return answer.output as Outputs[K];
      if (answer.outcome === 'error') throw answer.error;
      const { code, message, param, cause } = answer;
      throw new Problem(code, message, { cause, ...(param !== null && { param }) });
    } finally {
      busy.delete(answering);
      free(thread.ended ? new KernelThread() : thread);
    }
  };
  return {
    run,
    close: async () => {
      while (busy.size > 0) await Promise.allSettled(busy);
      await Promise.all(idle.map((thread) => thread.end()));
    },
  };
}
