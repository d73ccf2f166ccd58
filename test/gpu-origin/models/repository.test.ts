import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Model } from '../../../contract/model.ts';
import { openModel, runGraph } from '../../../gpu-origin/compute/session.ts';
import { describeModel, isGraphModel, readRepository } from '../../../gpu-origin/models/repository.ts';
import { ballField } from '../support/triplane.ts';
import { doubling, writeModel, writeSquaring } from '../support/models.ts';
import type { OnnxGraph } from '../support/onnx.ts';
import { bisque, modelsFolder } from '../support/send-job.ts';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'models-'));
});
afterEach(() => rm(root, { recursive: true }));

async function onlyFault() {
  const { models, faults } = await readRepository(root);
  expect(models).toEqual([]);
  expect(faults).toHaveLength(1);
  return faults[0];
}

/** Rewrites a manifest as a person would who gets it wrong. */
async function editManifest(folder: string, edit: (manifest: Record<string, unknown>) => void): Promise<void> {
  const path = join(folder, 'manifest.json');
  const manifest = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  edit(manifest);
  await writeFile(path, JSON.stringify(manifest));
}

test('the shipped models are all right, and described as the contract has it', async () => {
  const { models, faults } = await readRepository(modelsFolder);
  expect(faults).toEqual([]);
  expect(models.map(({ id, digest }) => ({ id, digest }))).toContainEqual(bisque);
  for (const model of models) expect(Model.parse(describeModel(model)).id).toBe(model.id);
});

test('several versions of several models are found', async () => {
  await writeModel(root, { double: doubling }, { name: 'a', version: '1' });
  await writeModel(root, { double: doubling }, { name: 'a', version: '2' });
  await writeModel(root, { double: doubling }, { name: 'b' });
  const { models } = await readRepository(root);
  expect(models.map(({ id }) => id)).toEqual(['a@1', 'a@2', 'b@1']);
});

test('a bad manifest is named by file and field, and the good models are still served', async () => {
  await writeModel(root, { double: doubling }, { name: 'good' });
  const { folder } = await writeModel(root, { double: doubling }, { name: 'bad' });
  await editManifest(folder, (manifest) => {
    manifest.batch = { maximum: 0 };
    manifest.licenze = 'MIT';
  });
  const { models, faults } = await readRepository(root);
  expect(models.map(({ id }) => id)).toEqual(['good@1']);
  expect(faults).toEqual([
    { file: join(folder, 'manifest.json'), message: expect.stringMatching(/batch\.maximum: .*; .*licenze/) as string },
  ]);
});

test('a field model whose manifest does not describe its field is refused by name, not at its first job', async () => {
  const { folder } = await writeModel(root, ballField, { family: 'triplane-field' });
  const fault = { file: join(folder, 'manifest.json'), message: expect.stringMatching(/^field: /) as string };
  expect(await readRepository(root)).toEqual({ models: [], faults: [fault] });
});

test('a manifest of an unknown family is refused by that name', async () => {
  const { folder } = await writeModel(root, { double: doubling });
  await editManifest(folder, (manifest) => (manifest.family = 'depth'));
  expect((await onlyFault())?.message).toMatch(/^family: /);
});

test('a manifest that is not JSON, or not there, is a fault of that file', async () => {
  const { folder } = await writeModel(root, { double: doubling });
  await writeFile(join(folder, 'manifest.json'), '{"name": ');
  expect(await onlyFault()).toMatchObject({
    file: join(folder, 'manifest.json'),
    message: expect.stringContaining('is not JSON'),
  });
  await rm(join(folder, 'manifest.json'));
  expect(await onlyFault()).toMatchObject({ message: expect.stringContaining('cannot be read') });
});

test('a file with another digest than the manifest says is refused with both digests', async () => {
  const { folder, manifest } = await writeModel(root, { double: doubling });
  const path = join(folder, 'double.onnx');
  const bytes = await readFile(path);
  bytes[10] = (bytes[10] ?? 0) ^ 1;
  await writeFile(path, bytes);
  const fault = await onlyFault();
  expect(fault?.file).toBe(path);
  expect(fault?.message).toContain(`the manifest says ${manifest.files['double.onnx']?.sha256}`);
});

test('a file of another size than the manifest says is refused', async () => {
  const { folder } = await writeModel(root, { double: doubling });
  await writeFile(join(folder, 'double.onnx'), 'x');
  expect((await onlyFault())?.message).toMatch(/has 1 bytes, the manifest says \d+/);
});

test('a folder that is not called like its model is refused', async () => {
  await writeModel(root, { double: doubling });
  await rename(join(root, 'small'), join(root, 'other'));
  expect((await onlyFault())?.message).toBe('name is "small", but the folder is called "other"');
});

test.each(['../secret.onnx', '/etc/hostname', 'a/b.onnx', '..'])('a manifest cannot name the path %s', async (file) => {
  const { folder } = await writeModel(root, { double: doubling });
  await editManifest(folder, (manifest) => {
    manifest.files = { [file]: { sha256: '0'.repeat(64), bytes: 1 } };
  });
  expect((await onlyFault())?.message).toContain('must be a file name with no path in it');
});

test('a pipe, a folder or a link in the place of a manifest is refused before it is read', async () => {
  const { folder } = await writeModel(root, { double: doubling });
  const path = join(folder, 'manifest.json');
  const text = await readFile(path);
  await rm(path);
  execFileSync('/usr/bin/env', ['mkfifo', path]);
  expect(await onlyFault()).toEqual({ file: path, message: 'is no regular file' });
  await rm(path);
  await mkdir(path);
  expect((await onlyFault())?.message).toBe('is no regular file');
  await rm(path, { recursive: true });
  const outside = join(root, 'manifest of another');
  await writeFile(outside, text);
  await symlink(outside, path);
  expect((await onlyFault())?.message).toMatch(/^leads out of its folder/);
  await rm(path);
  await writeFile(path, Buffer.alloc(1024 * 1024 + 1, ' '));
  expect((await onlyFault())?.message).toMatch(/a manifest has at most 1048576/);
});

test('a link that leads out of the model folder is refused', async () => {
  const { folder } = await writeModel(root, { double: doubling });
  const outside = join(root, 'outside.onnx');
  await rename(join(folder, 'double.onnx'), outside);
  await symlink(outside, join(folder, 'double.onnx'));
  expect((await onlyFault())?.message).toBe('leads out of its folder; put the file itself there');
});

test('a graph whose file is not listed is refused with the field', async () => {
  const { folder } = await writeModel(root, { double: doubling });
  await editManifest(folder, (manifest) => {
    manifest.files = {};
  });
  expect((await onlyFault())?.message).toBe('graphs.double.file names "double.onnx", which is not among files');
});

/** y = x + w, with w in a file of its own. */
const shifting = (external: string): OnnxGraph => ({
  inputs: { x: { shape: ['N', 4] } },
  outputs: { y: { shape: ['N', 4] } },
  constants: { w: { dims: [4], data: new Float32Array(4), external } },
  nodes: [{ op: 'Add', inputs: ['x', 'w'], outputs: ['y'] }],
});

test.each(['weights.bin', 'below/weights.bin', '../weights.bin', 'constructor'])(
  'a graph that keeps weights in the unlisted %s is refused with file and field',
  async (external) => {
    const { folder } = await writeModel(root, { shift: shifting(external) });
    await writeFile(join(folder, 'weights.bin'), new Uint8Array(16));
    expect(await onlyFault()).toEqual({
      file: join(folder, 'manifest.json'),
      message: `graphs.shift.file names "shift.onnx", whose "w" lies in "${external}", which is not among files`,
    });
  },
);

test('weights that a branch of a graph keeps outside are found as well', async () => {
  const branch = (name: string): OnnxGraph => ({
    inputs: {},
    outputs: { [name]: { shape: [4] } },
    constants: { w: { dims: [4], data: new Float32Array(4), ...(name === 'then' && { external: 'hidden.bin' }) } },
    nodes: [{ op: 'Identity', inputs: ['w'], outputs: [name] }],
  });
  await writeModel(root, {
    choice: {
      inputs: { x: { shape: ['N', 4] } },
      outputs: { y: { shape: ['N', 4] } },
      constants: { yes: { dims: [1], data: [1] } },
      nodes: [
        { op: 'Cast', inputs: ['yes'], outputs: ['condition'], attributes: { to: 9 } },
        {
          op: 'If',
          inputs: ['condition'],
          outputs: ['w'],
          attributes: { then_branch: branch('then'), else_branch: branch('else') },
        },
        { op: 'Add', inputs: ['x', 'w'], outputs: ['y'] },
      ],
    },
  });
  expect((await onlyFault())?.message).toContain('whose "w" lies in "hidden.bin", which is not among files');
});

test('weights in a listed file are checked and used', async () => {
  const weights = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);
  const { folder } = await writeModel(root, { shift: shifting('weights.bin') }, {}, { 'weights.bin': weights });
  const { models, faults } = await readRepository(root);
  expect(faults).toEqual([]);
  const [model] = models.filter(isGraphModel);
  if (model === undefined) throw new Error('there is no model');
  const loaded = await openModel(model, { provider: 'cpu', device: 0, threads: 1 });
  const x = { data: Float32Array.of(10, 10, 10, 10), dims: [1, 4] };
  expect([...((await runGraph(loaded, 'shift', { x })).y?.data ?? [])]).toEqual([11, 12, 13, 14]);
  await writeFile(join(folder, 'weights.bin'), new Uint8Array(16));
  expect((await onlyFault())?.message).toMatch(/has sha256 .*, the manifest says/);
});

test('a graph that is no .onnx file is refused as such', async () => {
  const text = new TextEncoder().encode('this is not a graph');
  const digest = createHash('sha256').update(text).digest('hex');
  const { folder } = await writeModel(root, { double: doubling });
  await writeFile(join(folder, 'double.onnx'), text);
  await editManifest(folder, (manifest) => {
    manifest.files = { 'double.onnx': { sha256: digest, bytes: text.length } };
  });
  expect(await onlyFault()).toMatchObject({
    file: join(folder, 'double.onnx'),
    message: expect.stringContaining('is no .onnx file') as string,
  });
});

test('a file that a graph has for some providers is checked as any other, and needs a golden output', async () => {
  const { folder } = await writeSquaring(root, { providers: ['cuda'], tolerance: 0.01 });
  await editManifest(folder, (manifest) => {
    delete (manifest.files as Record<string, unknown>)['square.fp16.onnx'];
  });
  expect((await onlyFault())?.message).toBe(
    'graphs.square.variants[0].file names "square.fp16.onnx", which is not among files',
  );
  await editManifest(folder, (manifest) => {
    delete manifest.golden;
  });
  expect((await onlyFault())?.message).toBe('graphs.square.variants: need a golden output to be compared with');
});

test('an empty model folder and stray files are no models', async () => {
  await mkdir(join(root, 'empty'));
  await writeFile(join(root, 'README.md'), 'hello');
  expect(await readRepository(root)).toEqual({ models: [], faults: [] });
});
