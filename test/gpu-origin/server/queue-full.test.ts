import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { heavyInflation, writeModel } from '../support/models.ts';
import { jobFor, sendJob } from '../support/send-job.ts';
import { createSetting, type Setting } from '../support/setting.ts';

let setting: Setting;
beforeEach(async () => {
  setting = await createSetting();
});
afterEach(() => setting.close());

test('a full queue refuses with a Retry-After that succeeds within three tries, and all that it accepted is made', async () => {
  const model = await writeModel(setting.modelsFolder, { depth: heavyInflation(5) });
  const origin = await setting.start({ QUEUE_CAPACITY: '4', JOBS_ACTIVE_MAX: '1' });
  let refusals = 0;
  const submit = async () => {
    const job = jobFor(setting.image, { model });
    for (let tries = 1; ; tries += 1) {
      const answer = await sendJob(origin.url, job, setting.image);
      if (answer.status === 202) return { key: job.key, tries };
      expect(answer.status).toBe(429);
      expect(await answer.json()).toMatchObject({ error: { code: 'queue_full', type: 'rate_limit_error' } });
      refusals += 1;
      const seconds = Number(answer.headers.get('retry-after'));
      expect(seconds).toBeGreaterThanOrEqual(1);
      await sleep(seconds * 1000);
    }
  };
  const submitted = await Promise.all(Array.from({ length: 12 }, submit));
  expect(refusals).toBeGreaterThan(0);
  // The first try, and three more.
  expect(Math.max(...submitted.map(({ tries }) => tries))).toBeLessThanOrEqual(4);
  for (const { key } of submitted) expect(await setting.result(key)).toMatchObject({ outcome: 'completed' });
}, 90_000);

test('a refused image is not read into the spool', async () => {
  const model = await writeModel(setting.modelsFolder, { depth: heavyInflation(1) });
  const origin = await setting.start({ QUEUE_CAPACITY: '1', JOBS_ACTIVE_MAX: '1' });
  const release = setting.holdJobs();
  await setting.accepted(origin, { model });
  await setting.until(async () => expect(await setting.metric(origin, 'meshkiln_origin_jobs_active')).toBe(1));
  await setting.accepted(origin, { model });
  const declared = jobFor(setting.image, { model, imageBytes: 10_000_000 });
  // The body never follows: a full queue answers from the header alone.
  expect((await sendJob(origin.url, declared, new Uint8Array(0))).status).toBe(429);
  release();
});
