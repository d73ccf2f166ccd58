import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readGpus } from '../../../gpu-origin/report/nvidia-smi.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'smi-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** A program that prints what nvidia-smi would: the card is what a test machine lacks. */
async function commandThatPrints(text: string): Promise<string> {
  const path = join(folder, 'nvidia-smi');
  await writeFile(path, `#!/bin/sh\ncat <<'END'\n${text}\nEND\n`);
  await chmod(path, 0o755);
  return path;
}

test('each card is reported in bytes, degrees and shares of one', async () => {
  const command = await commandThatPrints('NVIDIA L4, 37, 2048, 23034, 51\nNVIDIA L4, 0, 1, 23034, 33');
  expect(await readGpus(command)).toEqual([
    {
      name: 'NVIDIA L4',
      utilisation: 0.37,
      memoryUsedBytes: 2048 * 2 ** 20,
      memoryTotalBytes: 23034 * 2 ** 20,
      temperatureCelsius: 51,
    },
    expect.objectContaining({ utilisation: 0 }),
  ]);
});

test('a card with a figure missing is left out rather than made up', async () => {
  expect(await readGpus(await commandThatPrints('NVIDIA A100 MIG 1g.5gb, [N/A], 10, 4864, 40'))).toEqual([]);
});

test('where there is no nvidia-smi there is no answer', async () => {
  expect(await readGpus(join(folder, 'nothing'))).toBeNull();
});
