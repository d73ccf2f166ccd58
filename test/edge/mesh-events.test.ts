import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, test, vi } from 'vitest';
import type { MeshObject } from '../../contract/mesh.ts';
import { call, errorOf, mesh, picture, post } from './client.ts';
import { complete, networkOfEachTest, originCall, putResult, type SentJob } from './fake-origin.ts';
import { make, theJob } from './making.ts';
import { testKeys } from './secrets.ts';

const network = networkOfEachTest();

type Event = { id: string; mesh: MeshObject } | { comment: string };

const eventsOf = (id: string, lastEventId?: string) =>
  call(`/v1/meshes/${id}/events`, { headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId } });

/** Reads a stream event by event; null when it has ended. */
function events(answer: Response): () => Promise<Event | null> {
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  return async () => {
    for (;;) {
      const end = text.indexOf('\n\n');
      if (end !== -1) {
        const lines = text.slice(0, end).split('\n');
        text = text.slice(end + 2);
        if (lines[0]?.startsWith(':')) return { comment: lines[0] };
        const field = (name: string) =>
          lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? '';
        expect(field('event')).toBe('mesh');
        return { id: field('id'), mesh: JSON.parse(field('data')) as MeshObject };
      }
      const read = await reader?.read();
      if (!read || read.done) return null;
      text += read.value;
    }
  };
}

const idOf = (event: Event | null) => (event && 'id' in event ? event.id : '');
const progress = ({ job }: SentJob, stage: string, share: number) =>
  originCall('POST', `/origin/progress/${job.key}`, {
    body: JSON.stringify({ fence: job.fence, stage, progress: share }),
  });

test('a stream tells the present state, each change and the end, and then ends', async () => {
  const { id } = await mesh(post(picture(), { fields: { metadata: '{"a":"b"}' } }));
  const sent = await theJob(network);
  const answer = await eventsOf(id);
  expect(answer.headers.get('content-type')).toMatch(/^text\/event-stream/);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  const next = events(answer);
  const first = await next();
  expect(first).toMatchObject({ mesh: { id, status: 'queued', metadata: { a: 'b' } } });
  await progress(sent, 'infer', 0.5);
  const second = await next();
  expect(second).toMatchObject({ mesh: { status: 'in_progress', stage: 'infer', progress: 0.5 } });
  expect(Number(idOf(second))).toBeGreaterThan(Number(idOf(first)));
  await complete(sent);
  const last = await next();
  expect(last).toMatchObject({ mesh: { status: 'completed', progress: 1, metadata: { a: 'b' } } });
  expect(await next()).toBeNull();
  const settled = await mesh(call(`/v1/meshes/${id}`));
  expect(last).toMatchObject({ mesh: { asset: settled.asset } });
});

test('a stream of a mesh that is done tells that and ends, and a client that saw it is sent away', async () => {
  const { id } = await make(network, picture());
  const next = events(await eventsOf(id));
  const only = await next();
  expect(only).toMatchObject({ mesh: { status: 'completed' } });
  expect(await next()).toBeNull();
  expect((await eventsOf(id, idOf(only))).status).toBe(204);
  expect(await events(await eventsOf(id, 'of an earlier mesh'))()).toMatchObject({ mesh: { status: 'completed' } });
});

test('a client that comes back is spared what it saw and told what changed', async () => {
  const { id } = await mesh(post(picture()));
  const sent = await theJob(network);
  const first = await events(await eventsOf(id))();
  const next = events(await eventsOf(id, idOf(first)));
  expect(await next()).toHaveProperty('comment');
  const failure = { code: 'unprocessable_image', message: 'Nothing stands out.' } as const;
  await putResult(sent.job.key, { outcome: 'failed', fence: sent.job.fence, failure }, sent.originId);
  const last = await next();
  expect(last).toMatchObject({ mesh: { status: 'failed', error: failure } });
  expect(await next()).toBeNull();
  expect((await eventsOf(id, idOf(last))).status).toBe(204);
});

test('a stream on which nothing happens is kept alive', async () => {
  const { id } = await mesh(post(picture()));
  const sent = await theJob(network);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const next = events(await eventsOf(id));
  expect(await next()).toHaveProperty('mesh');
  for (let beat = 0; beat < 2; beat++) {
    const silent = next();
    await vi.waitFor(() => expect(vi.getTimerCount()).toBeGreaterThan(0));
    // The wait is the object's own, so its end must come from within it.
    await runInDurableObject(env.FLIGHT.getByName(sent.job.key), () => vi.advanceTimersByTimeAsync(15_000));
    expect(await silent).toHaveProperty('comment');
  }
  vi.useRealTimers();
  await complete(sent);
  expect(await next()).toMatchObject({ mesh: { status: 'completed' } });
});

test('the stream of a refresh tells of the mesh that is being made, not of the old one', async () => {
  const image = picture();
  const { id } = await make(network, image);
  await post(image, { key: testKeys.globex, fields: { cache_mode: 'refresh' } });
  const sent = await theJob(network);
  const next = events(await eventsOf(id));
  expect(await next()).toMatchObject({ mesh: { status: 'queued' } });
  await complete(sent);
  expect(await next()).toMatchObject({ mesh: { status: 'completed' } });
});

test('there is no stream of a mesh that there is not', async () => {
  const error = await errorOf(eventsOf(`mesh_${'0'.repeat(64)}`));
  expect(error).toMatchObject({ status: 404, code: 'mesh_not_found' });
});
