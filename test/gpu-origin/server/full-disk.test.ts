import { mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { heavyInflation, writeModel } from '../support/models.ts';
import { jobFor, sendJob, signedPost } from '../support/send-job.ts';
import { createSetting, type Setting } from '../support/setting.ts';

let setting: Setting;
beforeEach(async () => {
  setting = await createSetting();
});
afterEach(() => setting.close());

test('an origin whose disk is full refuses jobs and says why, and takes them when there is room again', async () => {
  const model = await writeModel(setting.modelsFolder, { depth: heavyInflation(1) });
  const origin = await setting.start();
  // Whatever is written to this device fails as on a full disk, which a test with no privileges cannot have: the files
  // of the nonces, the first that a call needs, for this and the next ten minutes.
  const nonces = join(setting.stateFolder, 'nonces');
  const period = Math.floor(Date.now() / 600_000);
  await rm(nonces, { recursive: true });
  await mkdir(nonces);
  for (const file of [period, period + 1]) await symlink('/dev/full', join(nonces, String(file)));
  const refusedJob = jobFor(setting.image, { model });
  const refused = await Promise.all([
    sendJob(origin.url, refusedJob, setting.image),
    signedPost(origin.url, `/jobs/${refusedJob.key}/cancel`),
  ]);
  for (const answer of refused) {
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '30']);
    expect(await answer.json()).toMatchObject({
      error: { code: 'no_origin', message: 'This origin has no room on its disk.' },
    });
  }
  expect((await origin.until('disk full')).cause).toContain('ENOSPC');
  expect(await readdir(join(setting.stateFolder, 'spool'))).toEqual([]);
  for (const file of [period, period + 1]) await rm(join(nonces, String(file)));
  const key = await setting.accepted(origin, { model });
  expect(await setting.result(key)).toMatchObject({ outcome: 'completed' });
});
