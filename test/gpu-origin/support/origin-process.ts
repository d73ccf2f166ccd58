import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { join } from 'node:path';

const repository = join(import.meta.dirname, '../../..');

/** What `npm run origin` says: variables of the environment, `node`, its flags and the program. */
const words = (
  JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { scripts: { origin: string } }
).scripts.origin.split(' ');
const variables = words.slice(0, words.indexOf('node')).map((word) => word.split('='));
/** Of the environment of tests nothing else reaches the origin. */
const { NODE_COMPILE_CACHE } = process.env;
const compileCache = NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE };
const command = words.slice(words.indexOf('node') + 1);

type Line = { event: string } & Record<string, unknown>;

/** The secret and the name that every test's origin and edge share. */
export const known = { originId: 'test-origin', secret: 'a secret of the tests' };

/** Runs the origin as a process of its own until `stop` or `kill`; resolves when it says that it is ready. */
export async function startOriginProcess(environment: Record<string, string>) {
  const child = spawn(process.execPath, command, {
    cwd: repository,
    env: {
      ...Object.fromEntries(variables),
      ...compileCache,
      ORIGIN_ID: known.originId,
      ORIGIN_SECRET: known.secret,
      ORIGIN_PORT: '0',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: Line[] = [];
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const exited = once(child, 'exit').then(
    ([code, signal]) => ({ code, signal }) as { code: number | null; signal: string | null },
  );
  const until = async (event: string) => {
    for (;;) {
      const line = lines.find((each) => each.event === event);
      if (line !== undefined) return line;
      const more = await Promise.race([once(stdout, 'line').then(() => true), exited.then(() => false)]);
      if (!more) throw new Error(`the origin ended before "${event}": ${errors}\n${JSON.stringify(lines)}`);
    }
  };
  const stdout = createInterface(child.stdout);
  stdout.on('line', (text) => lines.push(JSON.parse(text) as Line));
  const { port } = await until('listening');
  return {
    url: `http://127.0.0.1:${String(port)}`,
    pid: child.pid,
    lines,
    until,
    /** Sends a signal; gives how the process ended. */
    kill: (signal: 'SIGTERM' | 'SIGKILL') => {
      child.kill(signal);
      return exited;
    },
  };
}

export type OriginProcess = Awaited<ReturnType<typeof startOriginProcess>>;
