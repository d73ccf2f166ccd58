import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { emojiFolder, startMeshkiln, type Running } from '../end-to-end/meshkiln.ts';
import { emptyPages, expectAccessible, keepScreenshot, launchBrowser, looks, openPage } from './browser.ts';

/** What the playground may cost before anybody asks it for a mesh, compressed. */
const firstLoadBytesMax = 400_000;

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

const settled = (page: Page) => page.waitForSelector('#stage[data-state="done"]', { timeout: 60_000 });
const choose = (page: Page, emoji: string) => page.setInputFiles('#file', join(emojiFolder, `${emoji}.webp`));

test('a picture becomes a mesh that turns, and is a hit when it is asked for again', async () => {
  const { page, complaints } = await openPage(browser, running.page('/'), { reducedMotion: 'no-preference' });
  await choose(page, '1f9f8');
  await settled(page);
  expect(await page.textContent('#cache')).toMatch(/^New here, so the model made it, in /);
  // No origin here has prompts drawn, as the page has heard by now.
  expect(await page.isHidden('#prompt-form')).toBe(true);
  expect(await page.textContent('#facts')).toMatch(/Triangles[\d,]{5,}.*Ran onCPU/);
  const turned = () => page.evaluate<number>("document.querySelector('model-viewer').turntableRotation");
  const before = await turned();
  await expect.poll(turned).not.toBe(before);

  await page.click('#again');
  await expect
    .poll(() => page.textContent('#cache'))
    .toMatch(/^Served from the edge's memory in [\d.]+ ms; the model was not asked; .* saved\.$/);
  expect(complaints).toEqual([]);
});

test('a compressed mesh is decoded with no help from another host, and the page can be shared', async () => {
  const { page, complaints } = await openPage(browser, running.page('/'));
  await page.getByRole('button', { name: 'Try the avocado' }).click();
  await settled(page);
  const shown = () => page.evaluate<string>("document.querySelector('model-viewer').src");
  for (const compression of ['meshopt', 'draco']) {
    const before = await shown();
    await page.selectOption('#compression', compression);
    await page.click('#options button');
    await expect.poll(shown, { timeout: 30_000 }).not.toBe(before);
    await settled(page);
    expect(await page.textContent('#cache')).toMatch(/^Encoded anew in .* the model was not asked\.$/);
    expect(await page.textContent('#snippet')).toContain(`-F compression=${compression}`);
  }
  const path = (await page.getAttribute('#share', 'href')) ?? '';
  const shared = await openPage(browser, running.edgeUrl + path);
  await settled(shared.page);
  expect(await shared.page.getAttribute('meta[property="og:image"]', 'content')).toMatch(
    /\/assets\/[0-9a-f]{64}\.webp$/,
  );
  await expectAccessible(shared.page);
  await keepScreenshot(shared.page, 'share');
  expect([...complaints, ...shared.complaints]).toEqual([]);
});

test('a file that is no picture is told with what to do, and the next one works', async () => {
  const { page } = await openPage(browser, running.page('/'));
  await page.setInputFiles('#file', { name: 'notes.png', mimeType: 'image/png', buffer: Buffer.from('not a picture') });
  await page.waitForSelector('#problem:not([hidden])');
  expect(await page.textContent('#problem')).toContain('must be a PNG, JPEG, WebP, AVIF or GIF file');
  expect(await page.textContent('#status')).toBe('');
  await expectAccessible(page);
  await keepScreenshot(page, 'playground-problem');
  await choose(page, '1f9f8');
  await settled(page);
  expect(await page.isHidden('#problem')).toBe(true);
});

test('what cannot be shown, or was not made, leaves no other mesh on the stage', async () => {
  const { page } = await openPage(browser, running.page('/'));
  await choose(page, '1f9f8');
  await settled(page);
  await page.selectOption('#format', 'stl');
  await choose(page, '1f680');
  await page.waitForSelector('#viewer img.thumbnail');
  expect(await page.locator('model-viewer').count()).toBe(0);
  expect(await page.textContent('#stage-note')).toContain('rendered preview');
  await page.setInputFiles('#file', { name: 'notes.png', mimeType: 'image/png', buffer: Buffer.from('not a picture') });
  await page.waitForSelector('#problem:not([hidden])');
  expect(await page.locator('#viewer > *').count()).toBe(0);
  expect(await page.isHidden('#result')).toBe(true);
  expect(await page.isHidden('#picture')).toBe(true);
});

test('on a small screen the mesh is shown with no scrolling, and its own page fits', async () => {
  const viewport = { width: 390, height: 664 };
  const { page } = await openPage(browser, running.page('/'), { viewport });
  await choose(page, '1f9f8');
  await settled(page);
  const shared = await openPage(browser, running.edgeUrl + ((await page.getAttribute('#share', 'href')) ?? ''), {
    viewport,
  });
  await settled(shared.page);
  expect(await shared.page.evaluate<number>('document.documentElement.scrollWidth')).toBe(viewport.width);
  await keepScreenshot(shared.page, 'share-phone');
});

test('an edge that wants a key asks for it, and goes on with it', async () => {
  const { page } = await openPage(browser, running.edgeUrl);
  await choose(page, '1f9f8');
  await page.fill('#key', running.settings.apiKey);
  await keepScreenshot(page, 'playground-key');
  await page.keyboard.press('Enter');
  await settled(page);
  expect(await page.isHidden('#key-form')).toBe(true);
});

test('the link of npm start signs the tab in on every page, and leaves the key in no URL', async () => {
  const { page } = await openPage(browser, running.edgeUrl);
  await choose(page, '1f9f8');
  await page.waitForSelector('#key-form:not([hidden])');
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url(), JSON.stringify(request.headers())));
  await page.goto(running.page('/'));
  await expect.poll(() => page.url()).toBe(`${running.edgeUrl}/`);
  await choose(page, '1f9f8');
  await settled(page);
  expect(await page.textContent('#snippet')).toContain('"Authorization: Bearer $(npm run -s key)"');
  await page.getByRole('link', { name: 'Dashboard' }).click();
  await page.waitForSelector('#dashboard:not([hidden])');
  await page.goBack();
  expect(page.url()).toBe(`${running.edgeUrl}/`);
  const { adminKey } = running.settings;
  const told = asked.filter(
    (text) => text.includes(adminKey) && !text.includes(`"authorization":"Bearer ${adminKey}"`),
  );
  expect(told).toEqual([]);
});

test.each(['/', '/dashboard', '/docs'])('%s works in a browser whose language is en-US@posix', async (path) => {
  const { page, complaints } = await openPage(browser, 'about:blank');
  await page.addInitScript("Object.defineProperty(Navigator.prototype, 'language', { get: () => 'en-US@posix' })");
  await page.goto(running.page(path));
  await page.waitForSelector(
    { '/': '#samples button', '/dashboard': '#dashboard:not([hidden])', '/docs': '.operation' }[path] ?? '',
  );
  expect(await page.evaluate('navigator.language')).toBe('en');
  expect(complaints.filter((complaint) => !complaint.startsWith('asked for'))).toEqual([]);
});

test.each(['/', '/dashboard', '/docs'])('a fault in the scripts of %s shows words', async (path) => {
  const { page } = await openPage(browser, 'about:blank');
  await page.addInitScript("Array.prototype.map = function map() { throw new RangeError('no more maps') }");
  await page.goto(running.page(path));
  await page.waitForSelector('[role=alert]:has-text("no more maps")');
});

test('the playground costs at most 400 kB before a mesh is asked for, and the 3D viewer is none of it', async () => {
  const { page } = await openPage(browser, running.page('/'));
  await page.waitForLoadState('networkidle');
  const urls = await page.evaluate<string[]>(
    "performance.getEntries().filter(({ entryType }) => ['navigation', 'resource'].includes(entryType)).map(({ name }) => name)",
  );
  expect(urls.length).toBeGreaterThan(8);
  expect(urls.join()).not.toContain('model-viewer');
  const sizes = await Promise.all(
    urls.map(async (url) => gzipSync(Buffer.from(await (await fetch(url)).arrayBuffer())).length),
  );
  expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(firstLoadBytesMax);
});

test.each([
  ['desktop', 'light'],
  ['phone', 'dark'],
] as const)('the playground is accessible and fits a %s, %s', async (device, colorScheme) => {
  const { page, complaints } = await openPage(browser, running.page('/'), { ...looks[device], colorScheme });
  await expectAccessible(page);
  await keepScreenshot(page, `playground-empty-${device}-${colorScheme}`);
  await choose(page, '1f9f8');
  await settled(page);
  await expectAccessible(page);
  expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBe(looks[device].viewport?.width);
  await keepScreenshot(page, `playground-${device}-${colorScheme}`);
  expect(complaints).toEqual([]);
});
