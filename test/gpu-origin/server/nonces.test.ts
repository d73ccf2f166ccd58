import { appendFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Nonces } from '../../../gpu-origin/server/nonces.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nonces-'));
  vi.useFakeTimers({ toFake: ['Date'], now: 1_800_000_000_000 });
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(folder, { recursive: true });
});

const nowSeconds = () => Math.floor(Date.now() / 1000);
const nonce = (number: number) => number.toString(16).padStart(32, '0');

function passSeconds(seconds: number): void {
  vi.setSystemTime(Date.now() + seconds * 1000);
}

/** The nonces as a process finds them at its start. */
async function started(): Promise<Nonces> {
  const nonces = new Nonces(folder);
  await nonces.recover();
  return nonces;
}

test('a nonce is refused for as long as its signature could be valid, by the next process too', async () => {
  const nonces = await started();
  const ahead = nowSeconds() + 300; // the edge's clock may be five minutes ahead
  await nonces.spend(nonce(1), ahead);
  passSeconds(599);
  await expect(nonces.spend(nonce(1), ahead)).rejects.toThrow('seen before');
  await expect((await started()).spend(nonce(1), ahead)).rejects.toThrow('seen before');
});

test('what a power cut left of a line spoils no other', async () => {
  const nonces = await started();
  await nonces.spend(nonce(1), nowSeconds());
  const [file = ''] = await readdir(folder);
  await appendFile(join(folder, file), `\n${nonce(2).slice(0, 20)}`);
  await (await started()).spend(nonce(3), nowSeconds());
  const next = await started();
  for (const spent of [1, 3]) await expect(next.spend(nonce(spent), nowSeconds())).rejects.toThrow('seen before');
  await next.spend(nonce(2), nowSeconds());
});

test('files whose signatures are all too old are removed', async () => {
  const nonces = await started();
  for (let calls = 0; calls < 10; calls += 1) {
    await nonces.spend(nonce(calls), nowSeconds());
    passSeconds(600);
  }
  expect((await readdir(folder)).length).toBeLessThanOrEqual(3);
  await started();
  expect((await readdir(folder)).length).toBeLessThanOrEqual(2);
});

test('there is a limit to what is remembered, and old nonces make room', async () => {
  const lines = Array.from({ length: 500_000 }, (_, number) => `\n${nonce(number)} ${nowSeconds() + 301}`);
  await writeFile(join(folder, String(Math.floor(nowSeconds() / 600))), lines.join(''));
  const nonces = await started();
  await expect(nonces.spend(nonce(500_000), nowSeconds())).rejects.toThrow('Too many signed calls');
  passSeconds(302);
  await nonces.spend(nonce(500_000), nowSeconds());
});
