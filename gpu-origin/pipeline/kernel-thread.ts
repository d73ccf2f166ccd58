import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Problem } from '../../contract/problem.ts';
import type { KernelAnswer, KernelCall } from './kernel-worker.ts';

/** Bounds of one kernel call: seconds of a thread, and bytes that its thread may hold while it runs. */
export type KernelLimits = { secondsMax: number; bytesMax: number };

/** Time between two looks at a busy thread's memory, in milliseconds. */
const memoryLookMs = 200;

/** A worker thread that runs one kernel at a time; it ends when a call is aborted or exceeds a limit. */
export class KernelThread {
  readonly #worker = new Worker(new URL('./kernel-worker.ts', import.meta.url));
  /** Its first message says that it has loaded the kernels, which is no call's time. */
  readonly #loaded: Promise<unknown>;
  #ended = false;

  constructor() {
    this.#loaded = once(this.#worker, 'message');
    this.#loaded.catch(() => undefined); // the next call is told
    this.#worker.unref();
    this.#worker.once('exit', () => (this.#ended = true));
    this.#worker.on('error', () => (this.#ended = true)); // the call that it had is told
  }

  /** True when it takes no more calls. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Runs a kernel; rejects with the signal's reason, the Problem `internal_error` at a limit, or the thread's own end. */
  async run(
    call: KernelCall,
    { limits, signal }: { limits: KernelLimits; signal: AbortSignal },
  ): Promise<KernelAnswer> {
    await this.#loaded;
    signal.throwIfAborted();
    const worker = this.#worker;
    const outcome = Promise.withResolvers<KernelAnswer>();
    const stop = (reason: unknown) => {
      outcome.reject(reason);
      void this.end();
    };
    const tooMuch = (what: string) => () =>
      stop(new Problem('internal_error', `The mesh takes more than ${what}, in "${call.kernel}".`));
    // defence: API10-10
    const deadline = setTimeout(tooMuch(`${limits.secondsMax} s of one thread`), limits.secondsMax * 1000);
    const lookAtMemory = async () => {
      const heap = await worker.getHeapStatistics().catch(() => null); // null when it has ended meanwhile
      const bytes = heap === null ? 0 : heap.used_heap_size + heap.external_memory;
      if (bytes > limits.bytesMax) tooMuch(`${limits.bytesMax} bytes of memory`)();
    };
    const memory = setInterval(() => void lookAtMemory(), memoryLookMs);
    const onAbort = () => stop(signal.reason);
    const onExit = () => outcome.reject(new Error(`a kernel thread ended in "${call.kernel}"`));
    signal.addEventListener('abort', onAbort, { once: true });
    worker.once('message', outcome.resolve).once('error', outcome.reject).once('exit', onExit);
    try {
      worker.postMessage(call, []);
      return await outcome.promise;
    } finally {
      clearTimeout(deadline);
      clearInterval(memory);
      signal.removeEventListener('abort', onAbort);
      worker.off('message', outcome.resolve).off('error', outcome.reject).off('exit', onExit);
    }
  }

  async end(): Promise<void> {
    this.#ended = true;
    await this.#worker.terminate();
  }
}
