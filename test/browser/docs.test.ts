import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { operationsOf, type OpenApiDocument } from '../documented.ts';
import { startEdgeAlone } from '../end-to-end/edge-alone.ts';
import { expectAccessible, keepScreenshot, launchBrowser, looks, openPage, type Watched } from './browser.ts';

let edge: Awaited<ReturnType<typeof startEdgeAlone>>;
let browser: Browser;

beforeAll(async () => {
  edge = await startEdgeAlone();
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await edge?.close();
});

async function open(path: string, look = looks.desktop): Promise<Watched> {
  const watched = await openPage(browser, edge.url + path, look);
  await watched.page.waitForSelector('.operation');
  return watched;
}

test('every operation is shown with its code, which one choice of a language changes everywhere', async () => {
  const document = (await (await fetch(`${edge.url}/openapi.json`)).json()) as OpenApiDocument;
  const { page, complaints } = await open('/docs');
  for (const { operationId } of operationsOf(document)) expect(await page.locator(`#${operationId}`).count()).toBe(1);
  const code = page.locator('#createMesh pre:visible').first();
  expect(await code.textContent()).toContain(`curl ${edge.url}/v1/meshes`);
  // By keyboard alone.
  await page.locator('#createMesh button', { hasText: 'Python' }).focus();
  await page.keyboard.press('Enter');
  expect(await code.textContent()).toContain('from openai import OpenAI');
  expect(await page.locator('#listModels pre:visible').textContent()).toContain('from openai import OpenAI');
  await keepScreenshot(page, 'docs-desktop', { fullPage: false });
  expect(complaints).toEqual([]);
});

test('a deep link leads to its operation, on a phone too, where nothing is wider than the screen', async () => {
  const { page, complaints } = await open('/docs#getAsset', { viewport: { width: 360, height: 740 } });
  await expect.poll(async () => (await page.locator('#getAsset').boundingBox())?.y ?? 9999).toBeLessThan(200);
  const wider =
    "[...document.querySelectorAll('main *:not(pre *)')].filter((e) => e.getBoundingClientRect().right > 360)";
  expect(await page.evaluate(`${wider}.map((e) => e.outerHTML.slice(0, 200))`)).toEqual([]);
  await keepScreenshot(page, 'docs-phone', { fullPage: false });
  expect(complaints).toEqual([]);
});

test('the page has no fault that axe knows', async () => {
  const { page } = await open('/docs');
  await expectAccessible(page);
});
