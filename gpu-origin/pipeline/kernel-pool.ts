import { Piscina } from 'piscina';
import { Problem } from '../../contract/problem.ts';
import type { KernelAnswer, KernelCall } from './kernel-worker.ts';
import type { kernels } from './kernels.ts';

type Kernels = typeof kernels;
type KernelName = keyof Kernels;
type Input<K extends KernelName> = Parameters<Kernels[K]>[0];
type Outputs = { [K in KernelName]: Awaited<ReturnType<Kernels[K]>> };

/** Runs the CPU's stages in worker threads, so that the program's own thread stays free. */
export type KernelPool = {
  /** Runs one kernel; rejects with its Problem or error, and with an AbortError once the signal fires. */
  run<K extends KernelName>(kernel: K, input: Input<K>, signal: AbortSignal): Promise<Outputs[K]>;
  /** Ends the threads after the tasks that they have. */
  close(): Promise<void>;
};

/** A pool of as many threads as given, started at once and kept. */
export function createKernelPool({ threads }: { threads: number }): KernelPool {
  const pool = new Piscina<KernelCall, KernelAnswer>({
    filename: new URL('./kernel-worker.ts', import.meta.url).href,
    minThreads: threads,
    maxThreads: threads,
  });
  return {
    run: async <K extends KernelName>(kernel: K, input: Input<K>, signal: AbortSignal) => {
      const answer = await pool.run({ kernel, input }, { signal });
      if (answer.outcome === 'done') return answer.output as Outputs[K];
      const { code, message, param, cause } = answer;
      throw new Problem(code, message, { cause, ...(param !== null && { param }) });
    },
    close: () => pool.close(),
  };
}
