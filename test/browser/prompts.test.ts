import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { startMeshkiln, type Running } from '../end-to-end/meshkiln.ts';
import { startImageApi, type ImageApi } from '../gpu-origin/support/image-api.ts';
import { emptyPages, expectAccessible, keepScreenshot, launchBrowser, looks, openPage } from './browser.ts';

let imageApi: ImageApi;
let running: Running;
let browser: Browser;

beforeAll(async () => {
  imageApi = await startImageApi();
  vi.stubEnv('TEXT_TO_IMAGE_URLS', imageApi.url);
  vi.stubEnv('TEXT_TO_IMAGE_MODEL', 'a-model-that-draws');
  [running, browser] = await Promise.all([startMeshkiln(), launchBrowser()]);
});
afterEach(() => emptyPages(browser));
afterAll(async () => {
  vi.unstubAllEnvs();
  await browser?.close();
  await running?.close();
  await imageApi?.close();
});

const settled = (page: Page) => page.waitForSelector('#stage[data-state="done"]', { timeout: 60_000 });
const snippetIn = async (page: Page, language: string) => {
  await page.click(`#languages button:text-is("${language}")`);
  return page.textContent('#snippet');
};

test('words become a mesh where the edge takes prompts, with the code that asks for the same', async () => {
  const { page, complaints } = await openPage(browser, running.page('/'));
  await page.getByLabel('or say what it is to be').fill("a potter's wheel");
  await page.keyboard.press('Enter');
  await settled(page);
  expect(imageApi.calls.map(({ body }) => body)).toMatchObject([
    { prompt: expect.stringContaining("a potter's wheel") },
  ]);
  expect(await page.textContent('#facts')).toMatch(/Triangles[\d,]{5,}/);
  expect(await snippetIn(page, 'curl')).toContain(String.raw`--form-string 'prompt=a potter'\''s wheel'`);
  expect(await snippetIn(page, 'OpenAI SDK')).toContain(`body: { prompt: "a potter's wheel" }`);
  expect(await snippetIn(page, 'Command line')).toContain(
    String.raw`npm run mesh -- --prompt 'a potter'\''s wheel' -o mesh.glb`,
  );
  expect(complaints).toEqual([]);
});

test.each([
  ['desktop', 'light'],
  ['phone', 'dark'],
] as const)('the prompt field is accessible and fits a %s, %s', async (device, colorScheme) => {
  const { page } = await openPage(browser, running.page('/'), { ...looks[device], colorScheme });
  await page.waitForSelector('#prompt-form:not([hidden])');
  await expectAccessible(page);
  expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBe(looks[device].viewport?.width);
  await keepScreenshot(page, `playground-prompt-${device}-${colorScheme}`);
});
