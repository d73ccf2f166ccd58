import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { emoji, post, startMeshkiln, type Running } from '../end-to-end/meshkiln.ts';
import { emptyPages, expectAccessible, keepScreenshot, launchBrowser, looks, openPage } from './browser.ts';

let running: Running;
let browser: Browser;

beforeAll(async () => {
  [running, browser] = await Promise.all([startMeshkiln(), launchBrowser()]);
});
afterEach(() => emptyPages(browser));
afterAll(async () => {
  await browser?.close();
  await running?.close();
});

const openDashboard = (look: BrowserContextOptions) => openPage(browser, running.page('/dashboard'), look);
const shown = (page: Page) => page.waitForSelector('#dashboard:not([hidden])');

test('the dashboard of an unused edge says so, and then shows by itself what is asked of it', async () => {
  const { page, complaints } = await openDashboard(looks.desktop);
  await shown(page);
  expect(await page.isVisible('#empty')).toBe(true);
  await expectAccessible(page);
  await keepScreenshot(page, 'dashboard-empty');

  const bear = await emoji('1f9f8');
  const options = { headers: { prefer: 'wait=60' } };
  for (let asked = 0; asked < 5; asked++) expect((await post(running, bear, options)).status).toBe(200);
  expect((await post(running, new Uint8Array(100), options)).status).toBe(400);

  await expect.poll(() => page.textContent('#errors'), { timeout: 30_000 }).toContain('invalid_image1');
  expect(await page.textContent('#summary')).toMatch(/Hit ratio80%4 hits, 1 miss, 0 joined, 0 refused/);
  expect(await page.textContent('#routes')).toContain('POST /v1/meshes2005');
  await expect
    .poll(() => page.textContent('#origins'), { timeout: 30_000 }) // by the origin's next report
    .toMatch(/local ready.*Jobs done1 of 1, 0 failed/);
  await expect.poll(() => page.getAttribute('#charts canvas', 'aria-label')).toContain('made (miss)');
  expect(await page.isHidden('#empty')).toBe(true);
  await expectAccessible(page);
  await keepScreenshot(page, 'dashboard-desktop');
  expect(complaints).toEqual([]);
});

test('the dashboard fits a phone by night, and shows a week', async () => {
  const { page, complaints } = await openDashboard({ ...looks.phone, colorScheme: 'dark' });
  await shown(page);
  await page.getByRole('button', { name: 'Week' }).click();
  await expect.poll(() => page.getAttribute('#ranges [aria-pressed=true]', 'aria-pressed')).toBe('true');
  await expectAccessible(page);
  await keepScreenshot(page, 'dashboard-phone');
  expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBe(looks.phone.viewport?.width);
  expect(complaints).toEqual([]);
});
