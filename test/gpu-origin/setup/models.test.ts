import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { doubling, heavyInflation, writeModel, writeSquaring } from '../support/models.ts';
import { known } from '../support/origin-process.ts';
import { createSetting } from '../support/setting.ts';

const command = join(import.meta.dirname, '../../../gpu-origin/setup/models.ts');

let root = '';
let elsewhere = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'models-'));
  elsewhere = await mkdtemp(join(tmpdir(), 'brought-'));
});
afterEach(async () => {
  await rm(root, { recursive: true });
  await rm(elsewhere, { recursive: true });
});

type Outcome = { code: number; stdout: string; stderr: string };

const models = (...args: string[]) => modelsWith({}, ...args);

function modelsWith(environment: Record<string, string>, ...args: string[]): Promise<Outcome> {
  const env = { ...process.env, MODELS_DIR: root, ...environment };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [command, ...args], { env }, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stdout, stderr });
    });
  });
}

test('list names each model, and fails with what is wrong with another', async () => {
  await writeModel(root, { double: doubling }, { name: 'good' });
  expect(await models('list')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^good@1 .*two-sided-depth/) as string,
  });
  const { folder } = await writeModel(root, { double: doubling }, { name: 'bad' });
  await writeFile(join(folder, 'double.onnx'), 'x');
  expect(await models('list')).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('good@1') as string,
    stderr: expect.stringContaining(`${join(folder, 'double.onnx')}: has 1 bytes`) as string,
  });
});

test('check loads each model and compares its golden output', async () => {
  const bytes = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);
  const golden = { inputs: { x: 'x.f32' }, outputs: { y: 'x.f32' }, relative_tolerance: 0.01 };
  await writeModel(root, { double: doubling }, { name: 'plain' });
  expect(await models('check')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('no golden output') as string,
  });
  await writeModel(root, { double: doubling }, { name: 'wrong', golden }, { 'x.f32': bytes });
  expect(await models('check')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('wrong@1: cpu: golden output "y" is off by 1.00, more than 0.01') as string,
  });
});

test('check tells how far the files for some providers are from the own ones, and fails beyond their tolerance', async () => {
  await writeSquaring(root, { providers: ['cuda', 'webgpu'], tolerance: 1e-3 }, { name: 'near' });
  expect(await models('check')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      /near@1: square\.fp16\.onnx \(cuda, webgpu\) is off by 0\.000\d+ from the model's own files, within 0\.001/,
    ) as string,
  });
  await writeSquaring(root, { providers: ['cuda'], tolerance: 1e-4 }, { name: 'far' });
  expect(await models('check')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/far@1: square\.fp16\.onnx \(cuda\) is off by .*, more than 0\.0001/) as string,
  });
});

test('add brings a model in under its own name and version, once', async () => {
  const { folder } = await writeModel(elsewhere, { double: doubling }, { name: 'mine', version: '3' });
  expect(await models('add', folder)).toMatchObject({ code: 0, stdout: expect.stringContaining('mine@3') as string });
  expect((await readdir(join(root, 'mine', '3'))).toSorted()).toEqual(['double.onnx', 'manifest.json']);
  expect((await models('list')).code).toBe(0);
  expect(await models('add', folder)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is there already') as string,
  });
});

test('add refuses a model that is not right and leaves nothing behind', async () => {
  const { folder } = await writeModel(elsewhere, { double: doubling }, { name: 'mine' });
  await writeFile(join(folder, 'double.onnx'), 'x');
  expect(await models('add', folder)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('has 1 bytes') as string,
  });
  expect(await readdir(join(root, 'mine'))).toEqual([]);
  await writeFile(join(folder, 'manifest.json'), '{"name": "../../escape", "version": "1"}');
  expect(await models('add', folder)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no name and version') as string,
  });
});

test('reload makes the running origin serve what was added, and fails with what is wrong', async () => {
  const setting = await createSetting();
  try {
    await writeModel(root, { depth: heavyInflation(1) }, { name: 'first' });
    const origin = await setting.start({ MODELS_DIR: root });
    const port = new URL(origin.url).port;
    const reload = (change: Record<string, string> = {}, ...args: string[]) =>
      modelsWith(
        { ORIGIN_ID: known.originId, ORIGIN_SECRET: known.secret, ORIGIN_PORT: port, ...change },
        'reload',
        ...args,
      );
    await writeModel(root, { depth: heavyInflation(1) }, { name: 'second' });
    expect(await reload()).toEqual({ code: 0, stdout: 'first@1: served\nsecond@1: served\n', stderr: '' });
    const { folder } = await writeModel(root, { depth: heavyInflation(1) }, { name: 'third' });
    await writeFile(join(folder, 'depth.onnx'), 'x');
    expect(await reload({ ORIGIN_PORT: '1' }, origin.url)).toMatchObject({
      code: 1,
      stdout: 'first@1: served\nsecond@1: served\n',
      stderr: expect.stringContaining(`${join(folder, 'depth.onnx')}: has 1 bytes`) as string,
    });
    const failures: [Record<string, string>, string][] = [
      [{ ORIGIN_SECRET: 'quite another secret' }, 'answers 401'],
      [{ ORIGIN_SECRET: '' }, 'ORIGIN_SECRET: must be set'],
      [{ ORIGIN_PORT: '1' }, 'no origin answers at http://127.0.0.1:1/models/reload'],
    ];
    for (const [change, words] of failures) {
      expect(await reload(change)).toMatchObject({ code: 1, stderr: expect.stringContaining(words) as string });
    }
  } finally {
    await setting.close();
  }
});

test('a call that is none says how it is called', async () => {
  expect(await models('frobnicate')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('npm run models --') as string,
  });
});
