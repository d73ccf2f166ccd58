import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { sha256 } from '../../contract/digest.ts';
import { Removals, removalsPerAnswerMax, ReportAnswer } from '../../contract/removals.ts';
import type { Fleet } from '../../edge/fleet/fleet.ts';
import { removalsKeptMax } from '../../edge/fleet/removal-log.ts';
import { theFleet } from '../../edge/fleet/calls.ts';
import { call, errorOf, picture, post } from './client.ts';
import { complete, fakeNetwork, originCall, report, type Network, type OriginId } from './fake-origin.ts';
import { jobMsMax } from './making.ts';
import { testKeys } from './secrets.ts';

let network: Network;

beforeEach(async () => {
  network = fakeNetwork();
  await report();
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** How far the list goes, as the answer to a report says. */
async function removedTo(originId: OriginId = 'one'): Promise<number> {
  return ReportAnswer.parse(await (await report(originId)).json()).removedTo;
}

async function removals(after: number, originId: OriginId = 'one'): Promise<Removals> {
  const answer = await originCall('GET', `/origin/removals?after=${after}`, { originId });
  return Removals.parse(await answer.json());
}

/** Makes a mesh of this surface, which is stored, too; its id. */
async function make(image: Uint8Array<ArrayBuffer>, geometryKey: string, fields: Record<string, string> = {}) {
  return `mesh_${(await makeSent(image, geometryKey, fields)).job.key}`;
}

/** The same; the job that was sent. */
async function makeSent(image: Uint8Array<ArrayBuffer>, geometryKey: string, fields: Record<string, string> = {}) {
  const count = network.jobs.length + 1;
  await env.STORE.put(`geometry/${geometryKey}`, 'surface');
  await post(image, { fields });
  const sent = await vi.waitFor(() => {
    const job = network.jobs[count - 1];
    if (job === undefined) throw new Error('no job yet');
    return job;
  }, jobMsMax);
  expect((await complete(sent, { geometryKey })).status).toBe(200);
  return sent;
}

async function purge(selector: Record<string, string>): Promise<void> {
  const body = JSON.stringify(selector);
  expect((await call('/admin/purge', { method: 'POST', key: testKeys.admin, body })).status).toBe(200);
}

const newKey = () => sha256(crypto.randomUUID());

test('each origin reads of a purged surface from where it is in the list, however late', async () => {
  const before = await removedTo();
  const [first, second] = [await newKey(), await newKey()];
  const images = [picture(), picture()] as const;
  await make(images[0], first);
  await make(images[1], second);
  await purge({ image_sha256: await sha256(images[0]) });
  const between = await removedTo();
  expect(await removals(before)).toEqual({ to: between, all: false, surfaces: [first] });
  await purge({ image_sha256: await sha256(images[1]) });
  expect(await removals(between)).toMatchObject({ all: false, surfaces: [second] });
  const end = await removedTo('two');
  expect(await removals(before, 'two')).toEqual({ to: end, all: false, surfaces: [first, second] });
  expect(await removals(end, 'two')).toEqual({ to: end, all: false, surfaces: [] });
  expect(await env.STORE.head(`geometry/${second}`)).toBeNull();
});

test('a surface is on the list when the last mesh that has it goes', async () => {
  const before = await removedTo();
  const surface = await newKey();
  const image = picture();
  const meshes = [await make(image, surface), await make(image, surface, { output_format: 'stl' })];
  await purge({ id: meshes[0] ?? '' });
  expect((await removals(before)).surfaces).toEqual([]);
  await purge({ id: meshes[1] ?? '' });
  expect((await removals(before)).surfaces).toEqual([surface]);
});

test('a private mesh that its tenant deletes takes its surface from the origins', async () => {
  const before = await removedTo();
  const surface = await newKey();
  const id = await make(picture(), surface, { cache_scope: 'private' });
  expect((await call(`/v1/meshes/${id}`, { method: 'DELETE' })).status).toBe(200);
  expect((await removals(before)).surfaces).toEqual([surface]);
});

test.each<[string, 'put' | 'delete', string, { again?: true }]>([
  ['while it is stored', 'put', 'geometry/', {}],
  ['while R2 removes the manifest', 'delete', 'meshes/', {}],
  ['while the result comes again and R2 removes the manifest', 'delete', 'meshes/', { again: true }],
])(
  'a surface that an origin sends, and whose last mesh is purged %s, does not stay',
  async (_, method, prefix, sent) => {
    const surface = await newKey();
    const made = await makeSent(picture(), surface);
    const id = `mesh_${made.job.key}`;
    await env.STORE.delete(`geometry/${surface}`);
    const path = `/origin/geometry/${surface}`;
    const sendSurface = async () => {
      if (sent.again === true) expect((await complete(made, { geometryKey: surface })).status).toBe(200);
      return originCall('PUT', path, { body: 'surface' });
    };
    const real = env.STORE[method].bind(env.STORE) as (...args: unknown[]) => Promise<never>;
    const meanwhile = method === 'put' ? () => purge({ id }) : sendSurface;
    let met = false;
    vi.spyOn(env.STORE, method).mockImplementation(async (...args: unknown[]) => {
      const isFirst = !met && String(args[0]).startsWith(prefix);
      met ||= isFirst;
      if (isFirst) await meanwhile();
      return real(...args);
    });
    await (method === 'put' ? sendSurface() : purge({ id }));
    expect([met, await env.STORE.head(`geometry/${surface}`)]).toEqual([true, null]);
    expect((await originCall('GET', path)).status).toBe(404);
  },
);

test('a mesh that is purged while its surface is named leaves no name behind', async () => {
  const surface = await newKey();
  const made = await makeSent(picture(), surface);
  const name = `index/geometry/${surface}/${made.job.key}`;
  await env.STORE.delete(name);
  const put = env.STORE.put.bind(env.STORE) as (...args: unknown[]) => Promise<never>;
  vi.spyOn(env.STORE, 'put').mockImplementation(async (...args: unknown[]) => {
    if (args[0] === name) await purge({ id: `mesh_${made.job.key}` });
    return put(...args);
  });
  expect((await complete(made, { geometryKey: surface })).status).toBe(200);
  expect(await env.STORE.head(name)).toBeNull();
});

test('a surface that cannot be put on the list stays stored, for the purge to be made again', async () => {
  const before = await removedTo();
  const surface = await newKey();
  const image = picture();
  const id = await make(image, surface);
  const broken = vi.spyOn(env.FLEET, 'getByName').mockImplementationOnce(() => {
    throw new Error('the Fleet is away');
  });
  const purged = await call('/admin/purge', { method: 'POST', key: testKeys.admin, body: JSON.stringify({ id }) });
  expect(purged.status).toBe(500);
  expect(await env.STORE.head(`geometry/${surface}`)).not.toBeNull();
  broken.mockRestore();
  await purge({ id });
  expect((await removals(before)).surfaces).toEqual([surface]);
});

test(
  'a long list comes in pages, and an origin that was away for too long must forget all',
  { timeout: 60_000 },
  async () => {
    const before = await removedTo();
    const fleet = theFleet(env.FLEET);
    const keys = Array.from({ length: removalsPerAnswerMax + 1 }, (_, n) => n.toString(16).padStart(64, '0'));
    await fleet.noteRemoved(keys);
    const page = await removals(before);
    expect(page.surfaces).toEqual(keys.slice(0, -1));
    expect(await removals(page.to)).toMatchObject({ all: false, surfaces: keys.slice(-1) });
    await fleet.noteRemoved(Array.from({ length: removalsKeptMax }, () => 'f'.repeat(64)));
    const end = await removedTo();
    expect(await removals(before)).toEqual({ to: end, all: true, surfaces: [] });
    expect(await removals(end)).toEqual({ to: end, all: false, surfaces: [] });
    expect(await removals(0)).toMatchObject({ to: end, all: true });
  },
);

test('a removal touches few rows of a full list', async () => {
  const rows = await runInDurableObject(env.FLEET.getByName('full'), (fleet: Fleet, { storage }) => {
    fleet.noteRemoved(Array.from({ length: removalsKeptMax }, () => 'f'.repeat(64)));
    const exec = vi.spyOn(storage.sql, 'exec');
    fleet.noteRemoved(['e'.repeat(64)]);
    return exec.mock.results.reduce((sum, { value }) => sum + value.rowsRead + value.rowsWritten, 0);
  });
  expect(rows).toBeLessThan(10);
});

test('the list is for origins, and begins at a number', async () => {
  expect((await call('/origin/removals?after=0', { key: testKeys.admin })).status).toBe(401);
  expect(await errorOf(originCall('GET', '/origin/removals'))).toMatchObject({ status: 400, param: 'after' });
  expect(await errorOf(originCall('GET', '/origin/removals?after=-1'))).toMatchObject({ status: 400, param: 'after' });
});
