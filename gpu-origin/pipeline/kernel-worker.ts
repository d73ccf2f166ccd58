import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { Problem, type ProblemCode } from '../../contract/problem.ts';
import { kernels } from './kernels.ts';

export type KernelCall = { kernel: keyof typeof kernels; input: unknown };

/** A class does not survive the way between threads, so a Problem travels as plain values. */
export type KernelAnswer =
  | { outcome: 'done'; output: unknown }
  | { outcome: 'error'; error: unknown }
  | { outcome: 'problem'; code: ProblemCode; message: string; param: string | null; cause: string };

/**
 * Nice value of a kernel's thread: where cores are short, the threads that answer HTTP, feed the devices and send results
 * go first. Only Linux has one for each thread; elsewhere it would be the whole process's.
 */
const niceness = 5;
if (process.platform === 'linux') setPriority(niceness);

// Entry of a worker thread: runs a kernel a message.
parentPort?.on('message', async (call: KernelCall) => parentPort?.postMessage(await answerOf(call), []));
parentPort?.postMessage('loaded', []);

async function answerOf({ kernel, input }: KernelCall): Promise<KernelAnswer> {
  try {
    const run = kernels[kernel] as (input: unknown) => unknown;
    return { outcome: 'done', output: await run(input) };
  } catch (error) {
    if (!(error instanceof Problem)) return { outcome: 'error', error };
    const { code, message, param } = error;
    return { outcome: 'problem', code, message, param, cause: String(error.cause ?? '') };
  }
}
