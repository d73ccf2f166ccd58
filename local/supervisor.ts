import { fork, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

const restartDelayMs = 500;
const readyProbeMs = 100;
const readyTimeoutMs = 60_000;

export type Program = {
  name: string;
  /** The TypeScript file that Node runs; it ends by itself when its IPC channel closes. */
  file: string;
  /** Flags of Node itself. */
  nodeFlags?: readonly string[];
  environment: Record<string, string>;
  /** Answers 200 once the program does its part. */
  readyUrl: string;
  /** How long it may take to end when it is asked to. */
  stopGraceMs: number;
  onLine: (line: string) => void;
};

/**
 * Keeps one program running, in a process group of its own: starts it again when it ends unasked, and ends the whole
 * group with it, because workerd outlives a Node process that was killed.
 */
export class Supervisor {
  readonly #program: Program;
  #child: ChildProcess | null = null;
  #stopping = false;

  constructor(program: Program) {
    this.#program = program;
  }

  /** Process id of the program as it runs now; also that of its group. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Starts the program; resolves when it is ready, throws when it ends, takes too long or `signal` aborts before. */
  async start(signal?: AbortSignal): Promise<void> {
    this.#stopping = false;
    const child = this.#spawn();
    const deadline = Date.now() + readyTimeoutMs;
    while (!(await answersOk(this.#program.readyUrl))) {
      signal?.throwIfAborted();
      if (hasEnded(child)) throw new Error(`${this.#program.name} ended before it was ready; see its output above`);
      if (Date.now() > deadline)
        throw new Error(`${this.#program.name} was not ready after ${readyTimeoutMs / 1000} s`);
      await sleep(readyProbeMs);
    }
  }

  /** Ends the program: politely first, then its whole group. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child?.pid === undefined) return;
    if (!hasEnded(child)) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await Promise.race([ended, sleep(this.#program.stopGraceMs, undefined, { ref: false })]);
    }
    endGroup(child.pid);
  }

  #spawn(): ChildProcess {
    const { file, nodeFlags = [], environment, onLine } = this.#program;
    const execArgv = [...process.execArgv, ...nodeFlags];
    const child = fork(file, { execArgv, env: { ...process.env, ...environment }, silent: true, detached: true });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) if (stream !== null) eachLine(stream, onLine);
    child.once('exit', (code, signal) => {
      if (this.#stopping) return;
      if (child.pid !== undefined) endGroup(child.pid);
      onLine(`ended unasked (${signal ?? `exit code ${code}`}); starting it again`);
      setTimeout(() => {
        if (!this.#stopping) this.#spawn();
      }, restartDelayMs);
    });
    return child;
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function answersOk(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false; // not listening yet
  }
}

function eachLine(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    lines.filter((line) => line !== '').forEach(onLine);
  });
}

function endGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
