import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { sha256 } from '../../contract/digest.ts';
import { call, errorOf, mesh, picture, post, postJson } from './client.ts';
import { complete, fakeNetwork, putResult, report, type Network } from './fake-origin.ts';
import { theJob } from './making.ts';
import { testKeys } from './secrets.ts';

let network: Network;
let clock = Date.now();

beforeEach(async () => {
  network = fakeNetwork();
  // Past what an earlier test left in the isolate, and alive in the Fleet.
  vi.useFakeTimers({ toFake: ['Date'], now: (clock += 120_000) });
  await report('one');
  await report('two', { textToImageModel: 'flux' });
});
afterEach(() => {
  clock = Date.now();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const waiting = { prefer: 'wait=30' };
const later = (seconds: number) => void vi.setSystemTime(Date.now() + seconds * 1000);
const aPrompt = () => `a teapot like ${crypto.randomUUID()}`;
const source = { model: 'flux', imageSha256: 'a'.repeat(64), pictureKey: 'b'.repeat(64) };

/** Lets the mesh of a prompt be made. */
async function make(prompt: string, fields: Record<string, unknown> = {}, drawn = source) {
  const answer = postJson({ prompt, ...fields }, waiting);
  const sent = await theJob(network);
  expect((await complete(sent, { source: drawn })).status).toBe(200);
  network.jobs.length = 0;
  return { made: await mesh(answer), sent };
}

/** Whether each model says that prompts are drawn for it, by its family. */
async function promptsTaken(): Promise<Record<string, boolean>> {
  type Told = { family: string; capabilities: { prompts: boolean } };
  const { data } = await (await call('/v1/models')).json<{ data: Told[] }>();
  const one = await (await call('/v1/models/default')).json<Told>();
  expect(data).toContainEqual(one);
  return Object.fromEntries(data.map(({ family, capabilities }) => [family, capabilities.prompts]));
}

test('models that make meshes say whether an origin takes prompts', async () => {
  expect(await promptsTaken()).toEqual({ 'two-sided-depth': true, 'triplane-field': true, matting: false });
  // A day after the last origin that took them.
  later(25 * 3600);
  await report('one');
  later(60);
  await report('one');
  expect(await promptsTaken()).toEqual({ 'two-sided-depth': false, 'triplane-field': false, matting: false });
});

test('a prompt goes to an origin that takes prompts, as the body of its job, and its mesh says who drew it', async () => {
  const prompt = aPrompt();
  const { made, sent } = await make(prompt);
  expect(sent.originId).toBe('two');
  expect(sent.job.textToImageModel).toBe('flux');
  expect(new TextDecoder().decode(sent.image)).toBe(JSON.stringify({ model: 'flux', prompt }));
  // The flight keeps the job, and objects hold digests alone.
  expect(JSON.stringify(sent.job)).not.toContain(prompt);
  expect(made).toMatchObject({
    status: 'completed',
    source: { prompt: true, model: 'flux', image_sha256: source.imageSha256 },
    cache: { status: 'miss' },
  });
  expect(await mesh(postJson({ prompt }))).toMatchObject({
    id: made.id,
    cache: { status: 'hit' },
    source: made.source,
  });
  expect(await mesh(post(null, { fields: { prompt } }))).toMatchObject({ id: made.id, cache: { status: 'hit' } });
  expect(network.jobs).toHaveLength(0);
});

test('equal prompts at once reach the origin once', async () => {
  const prompt = aPrompt();
  const answers = [postJson({ prompt }, waiting), postJson({ prompt }, waiting), postJson({ prompt }, waiting)];
  await complete(await theJob(network), { source });
  const ids = (await Promise.all(answers.map(mesh))).map(({ id }) => id);
  expect(new Set(ids).size).toBe(1);
});

test('another model that draws is another mesh, and takes over when no origin has the old one', async () => {
  const prompt = aPrompt();
  const { made } = await make(prompt);
  await report('one', { textToImageModel: 'newer' });
  later(31);
  await report('two', { textToImageModel: 'flux' });
  await report('one', { textToImageModel: 'newer' });
  later(3);
  expect(await mesh(postJson({ prompt }))).toMatchObject({ id: made.id, cache: { status: 'hit' } });
  await report('two', { textToImageModel: 'newer' });
  later(31);
  await report('two', { textToImageModel: 'newer' });
  const redrawn = await make(prompt, {}, { ...source, model: 'newer' });
  expect(redrawn.sent.job.textToImageModel).toBe('newer');
  expect(redrawn.made.id).not.toBe(made.id);
  expect(redrawn.made.source?.model).toBe('newer');
  await report('one');
  await report('two', { textToImageModel: 'flux' });
});

test('with every origin silent a prompt that was made is a hit', async () => {
  const prompt = aPrompt();
  const { made } = await make(prompt);
  later(3600);
  expect(await mesh(postJson({ prompt }))).toMatchObject({ id: made.id, cache: { status: 'hit' } });
});

test('a prompt that upstream refuses is a 422 for all who wait, and remembered', async () => {
  const prompt = aPrompt();
  const answer = postJson({ prompt }, waiting);
  const { job, originId } = await theJob(network);
  const failure = { code: 'prompt_refused', message: 'The prompt was refused.' } as const;
  await putResult(job.key, { outcome: 'failed', fence: job.fence, failure }, originId);
  const refused = { status: 422, code: 'prompt_refused', param: 'prompt', message: 'The prompt was refused.' };
  expect(await errorOf(answer)).toEqual(refused);
  expect(await errorOf(postJson({ prompt }))).toEqual(refused);
  expect(network.jobs).toHaveLength(1);
});

test('a failure of every upstream is told and forgotten by the next request', async () => {
  const prompt = aPrompt();
  const answer = postJson({ prompt }, waiting);
  const { job, originId } = await theJob(network);
  const failure = { code: 'upstream_failed', message: 'No picture could be had.' } as const;
  await putResult(job.key, { outcome: 'failed', fence: job.fence, failure }, originId);
  expect(await mesh(answer)).toMatchObject({ status: 'failed', error: failure, source: null });
  network.jobs.length = 0;
  expect((await make(prompt)).made.status).toBe('completed');
});

test('the digest of a prompt stands for no picture', async () => {
  const { sent } = await make(aPrompt());
  const answer = postJson({ image: { sha256: sent.job.imageSha256 } });
  expect(await errorOf(answer)).toMatchObject({ status: 409, code: 'image_required' });
});

test('a prompt under an idempotency key stays one mesh, also where none could be found again', async () => {
  const prompt = aPrompt();
  const headers = { ...waiting, 'idempotency-key': crypto.randomUUID() };
  const body = { prompt, cache: { mode: 'no_store' } };
  const answer = postJson(body, headers);
  await complete(await theJob(network), { source });
  const { id } = await mesh(answer);
  expect(await mesh(postJson(body, headers))).toMatchObject({ id, cache: { status: 'hit' } });
  const other = postJson({ ...body, prompt: 'another' }, headers);
  expect(await errorOf(other)).toMatchObject({ status: 409, code: 'idempotency_key_reused' });
});

test('a purge by the picture that was drawn takes the mesh, the picture and the prompt', async () => {
  const drawn = { model: 'flux', imageSha256: await sha256(aPrompt()), pictureKey: await sha256(aPrompt()) };
  await env.STORE.put(`geometry/${drawn.pictureKey}`, 'a picture');
  const { made, sent } = await make(aPrompt(), {}, drawn);
  const purged = await call('/admin/purge', {
    method: 'POST',
    key: testKeys.admin,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ image_sha256: drawn.imageSha256 }),
  });
  expect(await purged.json()).toMatchObject({ meshes: [made.id], geometry: [drawn.pictureKey] });
  expect(await env.STORE.head(`geometry/${drawn.pictureKey}`)).toBeNull();
  expect(await env.STORE.head(`inputs/${sent.job.imageSha256}`)).toBeNull();
});

test('a prompt beside a picture, one that says nothing and one that is no text are refused', async () => {
  const both = { status: 400, code: 'invalid_parameter', param: 'prompt' };
  expect(await errorOf(post(picture(), { fields: { prompt: 'a teapot' } }))).toMatchObject(both);
  for (const prompt of [' \n', 'x'.repeat(4001), 'half a \ud83d', 7]) {
    expect(await errorOf(postJson({ prompt }))).toMatchObject(both);
  }
});
