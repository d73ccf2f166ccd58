import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { servedIsWritten } from '../../bench/validate/accuracy.ts';
import { observePrograms } from '../../bench/validate/programs.ts';
import { startWitness } from '../../bench/validate/witness.ts';
import { meshManifest } from '../mesh-manifest.ts';

const closed: (() => void)[] = [];
afterEach(() => {
  for (const close of closed.splice(0)) close();
});

test('what validate observes of both programs is what they did', async () => {
  const { times, served, crowd } = await observePrograms({
    timed: ['1f680'],
    compared: ['1f34e'],
    crowd: { picture: '1f369', requests: 3 },
  });
  expect(times.missMs[0]).toBeGreaterThan(times.hitMs[0] ?? NaN);
  expect(crowd).toEqual({ requests: 3, jobs: 1, misses: 1 });
  expect(served.map(({ url }) => url.replace(/.*\//, '').replace(/^\w{64}/, '<digest>'))).toEqual([
    '<digest>.glb',
    'content',
    '<digest>.glb in two ranges',
  ]);
  expect(servedIsWritten(served).every(({ met }) => met)).toBe(true);
});

test('the witness tells what the origin sent, whatever the edge says of it', async () => {
  const heard: string[] = [];
  const server = createServer((request, response) => {
    heard.push(`${request.method} ${request.url}`);
    request.resume().once('end', () => response.writeHead(201, { 'x-edge': 'yes' }).end('taken'));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const witness = await startWitness(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  closed.push(() => server.close(), witness.close);
  const put = (path: string, body: string) => fetch(witness.url + path, { method: 'PUT', body });

  const manifest = meshManifest('1');
  const { key, asset } = manifest;
  const answer = await put(`/origin/blobs/${asset.sha256}`, 'other bytes than the name says');
  expect([answer.status, answer.headers.get('x-edge'), await answer.text()]).toEqual([201, 'yes', 'taken']);
  await put(`/origin/results/${key}`, JSON.stringify({ outcome: 'completed', fence: 1, manifest }));
  expect(witness.assetOf(key)).toBe(createHash('sha256').update('other bytes than the name says').digest('hex'));
  expect(() => witness.assetOf('2'.repeat(64))).toThrow('the origin sent no asset');
  expect(heard).toEqual([`PUT /origin/blobs/${asset.sha256}`, `PUT /origin/results/${key}`]);
});
