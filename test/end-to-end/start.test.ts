import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { freePort } from '../../local/free-port.ts';
import { isHeld } from '../../local/hold.ts';

const startFile = join(import.meta.dirname, '../../local/start.ts');

let folder: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshkiln-start-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGTERM');
  await expect.poll(isInUse, { timeout: 60_000 }).toBe(false);
  await rm(folder, { recursive: true });
});

type Started = { child: ChildProcess; said: () => string; until: (text: string) => Promise<void> };

/** `npm start` as it goes on, with all that it printed. */
function keepStarted(environment: Record<string, string>): Started {
  const env = { ...process.env, MESHKILN_STATE: folder, ...environment };
  const child = spawn(process.execPath, [startFile], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += String(text)));
  return {
    child,
    said: () => output,
    until: (text) => expect.poll(() => output, { timeout: 60_000, interval: 50 }).toContain(text),
  };
}

/** How long all of `npm start` may take to end, whoever asks: a container has 10 s. */
const endMsMax = 9_500;

async function end({ child }: Started): Promise<{ code: unknown; ms: number }> {
  const beganMs = performance.now();
  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as unknown[];
  return { code, ms: performance.now() - beganMs };
}

const isInUse = async () =>
  (await Promise.all((['start', 'edge', 'origin'] as const).map((part) => isHeld(folder, part)))).includes(true);

test('a state folder is used by one npm start at a time, by the next one after a kill -9, and by none after SIGTERM', async () => {
  const ports = { EDGE_PORT: String(await freePort()), ORIGIN_PORT: String(await freePort()) };
  const first = keepStarted(ports);
  await first.until('Meshkiln is up');
  const others = { EDGE_PORT: String(await freePort()), ORIGIN_PORT: String(await freePort()) };
  const env = { ...process.env, MESHKILN_STATE: folder, ...others };
  await expect(promisify(execFile)(process.execPath, [startFile], { env })).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/ is in use by another npm start: end that one/) as string,
  });
  expect((await fetch(`http://127.0.0.1:${ports.EDGE_PORT}/readyz`)).status).toBe(200);

  first.child.kill('SIGKILL');
  await once(first.child, 'exit');
  const third = keepStarted(ports);
  await third.until('Meshkiln is up');
  expect(third.said()).not.toMatch(/SQLITE_BUSY|in use/);
  const { code, ms } = await end(third);
  expect(code).toBe(0);
  expect(ms).toBeLessThan(endMsMax);
  expect(await isInUse()).toBe(false);
});

test('SIGTERM while npm start is still starting ends it too', async () => {
  const ports = { EDGE_PORT: String(await freePort()), ORIGIN_PORT: String(await freePort()) };
  const started = keepStarted(ports);
  await started.until('edge ready');
  const { code, ms } = await end(started);
  expect(code).toBe(0);
  expect(ms).toBeLessThan(endMsMax);
  expect(await isInUse()).toBe(false);
});
