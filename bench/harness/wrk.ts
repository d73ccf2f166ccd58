import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { LoadRequest } from './load.ts';

const run = promisify(execFile);

/** Requests in flight at once, each on a connection of its own. */
const connections = 16;

/** What one load gave: how many answers, and how many of them a second. */
export type WrkLoad = { answers: number; perSecond: number };

/**
 * Repeats a request with wrk for whole seconds. wrk is written in C and costs the machine less than a client in Node.
 * Throws when it is not installed, or when an answer is an error.
 */
export async function wrkLoad({ url, ...request }: LoadRequest, seconds: number): Promise<WrkLoad> {
  const folder = await mkdtemp(join(tmpdir(), 'wrk-'));
  try {
    const script = join(folder, 'load.lua');
    const body = join(folder, 'body');
    await writeFile(body, request.body ?? '');
    await writeFile(script, luaOf(request, body));
    const words = ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, url];
    const { stdout } = await run('wrk', words).catch((cause: unknown) => {
      throw new Error('wrk could not be run; Debian and Ubuntu have it as the package "wrk"', { cause });
    });
    const [, answers, microseconds, failed] = /loaded (\d+) (\d+) (\d+)/.exec(stdout) ?? [];
    if (answers === undefined || failed !== '0') throw new Error(`${url} failed under wrk: ${stdout}`);
    return { answers: Number(answers), perSecond: (1e6 * Number(answers)) / Number(microseconds) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

function luaOf({ method = 'GET', headers = {}, body }: Omit<LoadRequest, 'url'>, bodyFile: string): string {
  return [
    `wrk.method = ${JSON.stringify(method)}`,
    ...Object.entries(headers).map(
      ([name, value]) => `wrk.headers[${JSON.stringify(name)}] = ${JSON.stringify(value)}`,
    ),
    ...(body ? [`wrk.body = io.open(${JSON.stringify(bodyFile)}, 'rb'):read('*a')`] : []),
    'done = function(summary)',
    '  local errors = summary.errors',
    '  local failed = errors.status + errors.connect + errors.read + errors.write + errors.timeout',
    '  print(string.format("loaded %d %d %d", summary.requests, summary.duration, failed))',
    'end',
  ].join('\n');
}
