import { fork, type ChildProcess } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';
import type { FromGpuProcess, ToGpuProcess } from './lane-protocol.ts';

/** Last part of a process's standard error that is kept to tell why it ended. */
const errorTextCharactersMax = 2000;

/** A GPU process ended before it had answered: by itself, by a signal, or because it hung. */
export class GpuProcessEnded extends Error {
  override name = 'GpuProcessEnded';
  /** The end in words that hold nothing of this machine, fit for a client. */
  readonly how: string;
  /** False if the process ended before it began this request, which then cannot be the cause. */
  readonly begun: boolean;

  constructor(how: string, { errorText = '', begun = true } = {}) {
    super(`The GPU process ${how}${errorText === '' ? '' : `: ${errorText}`}`);
    this.how = how;
    this.begun = begun;
  }
}

type Question = { secondsMax: number; resolve: (answer: FromGpuProcess) => void; reject: (error: Error) => void };

/** One GPU process: questions go in, answers come out in the same order, until it ends. */
export class GpuChild {
  readonly #child: ChildProcess;
  readonly #waiting: Question[] = [];
  #timer: NodeJS.Timeout | undefined;
  #errorText = '';
  #end: GpuProcessEnded | null = null;
  #killCause: string | null = null;

  /** Starts the process; `onEnd` is called once, when it is gone. */
  constructor(onEnd: (end: GpuProcessEnded) => void) {
    this.#child = fork(new URL('./gpu-process.ts', import.meta.url), [], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // As the origin itself is started: the young heap must not look like a leak, for which a process is replaced. With
      // gc() the process frees what its runs leave.
      execArgv: ['--max-semi-space-size=4', '--expose-gc'],
    });
    this.#child.on('message', (answer: FromGpuProcess) => {
      this.#waiting.shift()?.resolve(answer);
      this.#watchFirst();
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errorText = (this.#errorText + text).slice(-errorTextCharactersMax);
    });
    const end = (how: string, cause?: Error) => {
      if (this.#end !== null) return;
      const told = this.#killCause ?? how;
      const errorText = cause?.message ?? this.errorText;
      this.#end = new GpuProcessEnded(told, { errorText });
      clearTimeout(this.#timer);
      for (const [i, { reject }] of this.#waiting.splice(0).entries()) {
        reject(new GpuProcessEnded(told, { errorText, begun: i === 0 }));
      }
      onEnd(this.#end);
    };
    this.#child.once('error', (error) => end('could not be started or reached', error));
    // 'close' comes after 'exit', when standard error has been read to its end.
    this.#child.once('close', (code, signal) =>
      end(signal === null ? `ended with code ${code}` : `ended by ${signal}`),
    );
  }

  /** The last that it wrote to standard error: where the libraries say why they do not load. */
  get errorText(): string {
    return stripVTControlCharacters(this.#errorText).trim();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Sends a message that is answered; rejects with GpuProcessEnded when no answer will come. */
  ask(message: ToGpuProcess, secondsMax: number): Promise<FromGpuProcess> {
    if (this.#end !== null) return Promise.reject(this.#end);
    return new Promise<FromGpuProcess>((resolve, reject) => {
      this.#waiting.push({ secondsMax, resolve, reject });
      if (this.#waiting.length === 1) this.#watchFirst();
      this.tell(message);
    });
  }

  /** A question's time runs from when the process comes to it. */
  #watchFirst(): void {
    clearTimeout(this.#timer);
    const [first] = this.#waiting;
    if (first === undefined) return;
    const { secondsMax } = first;
    this.#timer = setTimeout(() => this.kill(`gave no answer within ${secondsMax} s`), secondsMax * 1000);
  }

  /** Sends a message that is not answered. */
  tell(message: ToGpuProcess): void {
    // A failed send means that the process is ending, and its end is told to all who wait.
    this.#child.send(message, () => {});
  }

  /** Ends the process; `cause` is what its end is then told with. */
  kill(cause: string): void {
    this.#killCause ??= cause;
    this.#child.kill('SIGKILL');
  }
}
